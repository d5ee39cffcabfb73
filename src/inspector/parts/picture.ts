import { createContext } from 'preact'

/** A picture as a file. */
export interface Picture {
  readonly png: () => Promise<Blob>
  readonly svg: () => string
}

/** What a figure offers to the pictures in it: to be saved. `add` returns how to leave. */
export interface FigureHandle { readonly add: (picture: Picture) => () => void }

export const FigureContext = createContext<FigureHandle | null>(null)

/** Hands a file to the reader. */
export function save (name: string, content: Blob): void {
  const address = URL.createObjectURL(content)
  const anchor = document.createElement('a')
  anchor.href = address
  anchor.download = name
  anchor.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
