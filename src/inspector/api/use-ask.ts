import { useEffect, useState } from 'preact/hooks'
import { locked, token } from './call.ts'

/** Where a request of the page stands. The last answer stays until the next one is there, so that a picture does not flicker. */
export interface Asked<T> {
  readonly answer: T | null
  readonly error: Error | null
  readonly pending: boolean
  readonly cancel: () => void
}

/**
 * Asks the service whenever `key` changes, and gives up what is under way then, or when the view closes. `key` null asks nothing.
 * @param ask `ask` or `askTensors` bound to its call
 */
export function useAsk<T> (key: string | null, ask: (signal: AbortSignal) => Promise<T>): Asked<T> {
  const [state, setState] = useState<{ key: string | null, answer: T | null, error: Error | null, pending: boolean }>({ key: null, answer: null, error: null, pending: false })
  const [controller, setController] = useState<AbortController | null>(null)
  const whose = token.value
  useEffect(() => {
    if (key === null) return
    const own = new AbortController()
    setController(own)
    setState((before) => ({ ...before, error: null, pending: true }))
    ask(own.signal).then(
      (answer) => { if (!own.signal.aborted) { locked.value = false; setState({ key, answer, error: null, pending: false }) } },
      (error: Error) => { if (!own.signal.aborted) setState({ key, answer: null, error, pending: false }) }
    )
    return () => own.abort()
  }, [key, whose])
  const cancel = (): void => {
    controller?.abort()
    setState((before) => ({ ...before, pending: false }))
  }
  return { answer: key === null ? null : state.answer, error: state.error, pending: state.pending, cancel }
}
