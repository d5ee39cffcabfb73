import { useEffect, useRef, useState } from 'preact/hooks'
import { locked, token } from './call.ts'
import type { Asked } from './use-ask.ts'

interface Job<T> { readonly ask: (signal: AbortSignal) => Promise<T> }

/**
 * As `useAsk`, for what changes as fast as a slider: one request is under way at a time, and of all that came meanwhile only the last is asked next. The answer of each
 * that is asked is shown. `key` null asks nothing.
 */
export function useLastWins<T> (key: string | null, ask: (signal: AbortSignal) => Promise<T>): Asked<T> {
  const [state, setState] = useState<{ answer: T | null, error: Error | null, pending: boolean, cancelled: boolean }>({ answer: null, error: null, pending: false, cancelled: false })
  const running = useRef<AbortController | null>(null)
  const waiting = useRef<Job<T> | null>(null)
  const [turn, setTurn] = useState(0)
  const whose = token.value

  const next = (): void => {
    const job = waiting.current
    if (job === null || running.current !== null) return
    waiting.current = null
    const own = new AbortController()
    running.current = own
    const end = (outcome: { answer: T, error: null } | { answer: null, error: Error }): void => {
      if (running.current === own) running.current = null
      if (own.signal.aborted) return
      if (outcome.error === null) locked.value = false
      setState({ ...outcome, pending: waiting.current !== null, cancelled: false })
      next()
    }
    job.ask(own.signal).then((answer) => end({ answer, error: null }), (error: Error) => end({ answer: null, error }))
  }
  const stop = (): void => {
    waiting.current = null
    running.current?.abort()
    running.current = null
  }
  useEffect(() => {
    if (key === null) {
      stop()
      setState({ answer: null, error: null, pending: false, cancelled: false })
      return
    }
    waiting.current = { ask }
    setState((before) => ({ ...before, error: null, pending: true, cancelled: false }))
    next()
  }, [key, whose, turn])
  useEffect(() => stop, [])
  const cancel = (): void => {
    stop()
    setState((before) => ({ ...before, pending: false, cancelled: before.pending }))
  }
  return { ...state, cancel, again: () => setTurn((before) => before + 1) }
}
