import { createContext, Script } from 'node:vm'

const call = new Script('work()')

/**
 * Gives what `work` gives, and ends it where that takes more than `seconds`: in the middle of a loop of WebAssembly too, whose memory nobody
 * should use then. Throws an error of code `ERR_SCRIPT_EXECUTION_TIMEOUT` (node:vm, which does this for scripts).
 */
export function within<R> (seconds: number, work: () => R): R {
  return call.runInContext(createContext({ work }), { timeout: Math.max(1, Math.ceil(seconds * 1000)) }) as R
}

/** Is it the error of a work that took too long? */
export const tookTooLong = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
