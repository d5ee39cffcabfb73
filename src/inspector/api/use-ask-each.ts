import { useEffect, useState } from 'preact/hooks'
import { token } from './call.ts'

/** Where several requests stand that make one picture: each has an answer, an Error, or null while it has neither. */
export interface AskedEach<T> {
  readonly answers: readonly (T | Error | null)[]
  readonly done: number
  readonly pending: boolean
  readonly cancel: () => void
}

/**
 * Asks the service for all of `asks` whenever `key` changes, `atOnce` at a time, and gives up what is under way then, or when the view closes. Answers of another key are
 * never given: a picture of several requests is of one choice. `key` null asks nothing.
 */
export function useAskEach<T> (key: string | null, asks: readonly ((signal: AbortSignal) => Promise<T>)[], atOnce = 2): AskedEach<T> {
  const [state, setState] = useState<{ key: string | null, answers: readonly (T | Error | null)[], pending: boolean }>({ key: null, answers: [], pending: false })
  const [controller, setController] = useState<AbortController | null>(null)
  const whose = token.value
  useEffect(() => {
    if (key === null) return
    const own = new AbortController()
    setController(own)
    setState({ key, answers: asks.map(() => null), pending: asks.length > 0 })
    let next = 0
    let left = asks.length
    const work = async (): Promise<void> => {
      while (next < asks.length && !own.signal.aborted) {
        const n = next++
        const answer = await asks[n](own.signal).catch((error: Error) => error)
        if (own.signal.aborted) return
        left--
        setState((before) => ({ key, answers: before.answers.with(n, answer), pending: left > 0 }))
      }
    }
    Promise.all(Array.from({ length: atOnce }, work)).catch(() => {})
    return () => own.abort()
  }, [key, whose])
  const cancel = (): void => {
    controller?.abort()
    setState((before) => ({ ...before, pending: false }))
  }
  const current = key !== null && state.key === key
  const answers = current ? state.answers : asks.map(() => null)
  return { answers, done: answers.filter((answer) => answer !== null).length, pending: current ? state.pending : key !== null && asks.length > 0, cancel }
}
