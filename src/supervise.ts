import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:os'

/** Set for the service that is started below. */
const mark = 'STATESCOPE_SUPERVISED'

/** This process is the service, and another one looks after it. */
export const isSupervised = process.env[mark] !== undefined && process.connected === true

/** Before it is started again, in milliseconds: at once, then twice as long each time, until it has lived long. */
const [first, most, long] = [100, 10_000, 60_000]

/**
 * Starts the service as a process of its own with the same arguments, and again whenever it ends by itself: what a native library does wrong takes a whole process with it. Signals are
 * handed on, and its exit code is this process'. What cannot be started in the first place ends here with its message: it would not start the next time either.
 * By these lines and not by a process manager: those bring logs, clusters and settings of their own.
 */
export function supervise (args: readonly string[]): void {
  let child: ChildProcess
  let [stopping, hasBeenUp, pause] = [false, false, 0]

  const start = (): void => {
    const since = performance.now()
    // In a group of its own: Ctrl-C would reach it twice.
    child = spawn(process.execPath, [...process.execArgv, process.argv[1], ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env: { ...process.env, [mark]: '1' }, detached: true })
    child.once('message', () => { hasBeenUp = true })
    child.once('exit', (code, signal) => {
      if (stopping || code === 0 || (!hasBeenUp && signal === null)) process.exit(code ?? 128 + constants.signals[signal!])
      if (performance.now() - since > long) pause = 0
      process.stderr.write(`${JSON.stringify({ level: 50, time: Date.now(), msg: `the service ended by itself (${signal ?? `code ${code}`}) and is started again` })}\n`)
      setTimeout(() => { if (!stopping) start() }, pause)
      pause = Math.min(most, pause === 0 ? first : pause * 2)
    })
  }
  start()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // Between two of its lives there is nobody to tell.
      if (child.exitCode !== null || child.signalCode !== null) process.exit(0)
      stopping = true
      child.kill(signal)
    })
  }
}

/** Tells whoever looks after this process that it is up; `onAlone` is called when that one is gone. */
export function tellUp (onAlone: () => void): void {
  if (!isSupervised) return
  process.once('disconnect', onAlone)
  process.send!('up')
}
