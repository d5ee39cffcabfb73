import { useEffect, useState } from 'preact/hooks'
import { locked, token } from './call.ts'

/** Where a request of the page stands. */
export interface Asked<T> {
  readonly answer: T | null
  readonly error: Error | null
  readonly pending: boolean
  /** Whether nothing is there because the reader wanted it no longer. */
  readonly cancelled: boolean
  readonly cancel: () => void
  /** Asks once more what was cancelled or refused. */
  readonly again: () => void
}

/**
 * Asks the service whenever `key` changes, and gives up what is under way then, or when the view closes. An answer to another key is never given: what stands on the page
 * is of what is chosen there. `key` null asks nothing.
 * @param ask `ask` or `askTensors` bound to its call
 */
export function useAsk<T> (key: string | null, ask: (signal: AbortSignal) => Promise<T>): Asked<T> {
  const [state, setState] = useState<{ key: string | null, answer: T | null, error: Error | null, pending: boolean }>({ key: null, answer: null, error: null, pending: false })
  const [controller, setController] = useState<AbortController | null>(null)
  const [turn, setTurn] = useState(0)
  const whose = token.value
  useEffect(() => {
    if (key === null) return
    const own = new AbortController()
    setController(own)
    setState((before) => ({ key, answer: before.key === key ? before.answer : null, error: null, pending: true }))
    ask(own.signal).then(
      (answer) => { if (!own.signal.aborted) { locked.value = false; setState({ key, answer, error: null, pending: false }) } },
      (error: Error) => { if (!own.signal.aborted) setState({ key, answer: null, error, pending: false }) }
    )
    return () => own.abort()
  }, [key, whose, turn])
  const cancel = (): void => {
    controller?.abort()
    setState((before) => ({ ...before, pending: false }))
  }
  const again = (): void => setTurn((before) => before + 1)
  // What is not asked yet, as effects come after the first look, is under way all the same.
  if (key === null || state.key !== key) return { answer: null, error: null, pending: key !== null, cancelled: false, cancel, again }
  const { answer, error, pending } = state
  return { answer, error, pending, cancelled: !pending && answer === null && error === null, cancel, again }
}
