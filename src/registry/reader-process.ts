import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FaultCode } from '../errors.ts'
import type { ModelFile } from '../model.ts'
import { shared } from './arrays.ts'
import { arraysPipe, unpacked, type Parcel } from './parcel.ts'
import type { Limits, ModelFiles } from './read.ts'

/** What the process is sent. It says 'ready' once, and then gives an answer to each; the arrays of a parcel follow on a pipe of their own. */
export interface ToReader { readonly files: ModelFiles, readonly limits: Limits, readonly digest: string | null, readonly smoke: boolean }
export type FromReader = { readonly parcel: Parcel, readonly spent: boolean } | { readonly code: FaultCode, readonly detail: string, readonly spent: boolean }

/** The model, the reader's fault, or why there is neither: 'late', or how the process ended; `started` says whether it had begun to read. */
export type Answer = { readonly file: ModelFile } | { readonly code: FaultCode, readonly detail: string } | { readonly failed: string, readonly started: boolean }

/** A process that has nothing to read ends after this many milliseconds. */
const patience = 2000

/** Seconds of reading after which a process is replaced, and the most that one file takes beyond the limit (one for each 10 MB of the largest). */
const lifetime = 600
const longest = 215

/**
 * The kernel limits memory and processor time: where it gives no more memory the library or the engine fails, and a process that goes round in
 * circles ends even when its parent was killed. `ulimit -d` counts what can be written to, not what WebAssembly reserves.
 */
const limited = 'ulimit -d "$0" 2>/dev/null; ulimit -t "$1" 2>/dev/null; ulimit -c 0 2>/dev/null; shift; exec "$@"'

/** A process that reads model files, one at a time. It keeps this one alive only while it reads. */
export class ReaderProcess {
  readonly #child: ChildProcess
  /** Left out where there is no process: no descriptors are left. */
  readonly #arrays: Socket | undefined
  readonly #limits: Limits
  readonly #ready: Promise<undefined>
  readonly #ended: Promise<string>
  #rest: NodeJS.Timeout | undefined
  #stopped = false
  #used = 0

  constructor (limits: Limits) {
    this.#limits = limits
    const node = [process.execPath, `--max-old-space-size=${limits.memory}`, fileURLToPath(new URL('./reader.js', import.meta.url))]
    const processorTime = Math.ceil(2 * (lifetime + limits.seconds + longest))
    const [command, ...args] = process.platform === 'win32' ? node : ['/bin/sh', '-c', limited, String(limits.memory * 1024), String(processorTime), ...node]
    // It gets none of this process's environment: there are tokens in it.
    const env = process.env.LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH }
    this.#child = spawn(command, args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc', 'pipe'], serialization: 'advanced', env })
    this.#arrays = (this.#child.stdio as ChildProcess['stdio'] | undefined)?.[arraysPipe] as Socket | undefined
    this.#ready = new Promise((resolve) => { this.#child.once('message', () => resolve(undefined)) })
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', ({ message }) => resolve(message))
      this.#child.once('exit', (code, signal) => resolve(`its process ended with ${signal ?? code}`))
    })
    // What breaks the pipe has ended the process.
    this.#arrays?.on('error', () => {})
  }

  /** Can it read another file under these limits? */
  fits ({ memory, seconds }: Limits): boolean {
    const lives = !this.#stopped && this.#child.exitCode === null && this.#child.signalCode === null
    return lives && memory === this.#limits.memory && seconds === this.#limits.seconds && this.#used < lifetime
  }

  /** Reads a model within `seconds`, the start of the process not counted. A process that fails is stopped. */
  async read (request: ToReader, seconds: number): Promise<Answer> {
    clearTimeout(this.#rest)
    this.#keepAlive(true)
    const start = performance.now()
    const dead = await Promise.race([this.#ended, this.#ready])
    const answer: Answer = dead === undefined ? await this.#within(request, seconds) : { failed: dead, started: false }
    this.#used += (performance.now() - start) / 1000
    if ('failed' in answer) this.stop()
    else if (!this.#stopped) this.#rest = setTimeout(() => this.stop(), patience).unref()
    this.#keepAlive(false)
    return answer
  }

  async #within (request: ToReader, seconds: number): Promise<Answer> {
    const over = new AbortController()
    const late = wait(seconds * 1000, 'late', { signal: over.signal })
    late.catch(() => {})
    try {
      const first = await Promise.race([this.#ended, late, this.#exchange(request)])
      return typeof first === 'string' ? { failed: first, started: true } : first
    } finally {
      over.abort()
    }
  }

  async #exchange (request: ToReader): Promise<Answer> {
    const answered = once(this.#child, 'message') as Promise<[FromReader]>
    this.#child.send(request)
    const [answer] = await answered
    const result = 'parcel' in answer ? { file: unpacked(answer.parcel, await this.#receive(answer.parcel.lengths)) } : answer
    if (answer.spent) this.stop()
    return result
  }

  /** Arrays of these lengths, one after the other, into shared memory. */
  async #receive (lengths: readonly number[]): Promise<Float32Array[]> {
    const arrays = lengths.map(shared)
    const rooms = arrays.map(({ buffer }) => new Uint8Array(buffer)).filter(({ length }) => length > 0)
    let [room, at] = [0, 0]
    const put = (chunk: Uint8Array): void => {
      for (let from = 0; from < chunk.length;) {
        const part = chunk.subarray(from, from + rooms[room].length - at)
        rooms[room].set(part, at)
        from += part.length
        at += part.length
        if (at === rooms[room].length) [room, at] = [room + 1, 0]
      }
    }
    await new Promise<void>((resolve) => {
      const take = (chunk: Uint8Array): void => {
        put(chunk)
        done()
      }
      const done = (): void => {
        if (room < rooms.length) return
        this.#arrays!.off('data', take).pause()
        resolve()
      }
      this.#arrays!.on('data', take).resume()
      done()
    })
    return arrays
  }

  #keepAlive (is: boolean): void {
    for (const handle of [this.#child, this.#child.channel, this.#arrays]) {
      if (is) handle?.ref()
      else handle?.unref()
    }
  }

  /** Ends the process, whatever it does. */
  stop (): void {
    this.#stopped = true
    clearTimeout(this.#rest)
    this.#child.kill('SIGKILL')
    this.#arrays?.destroy()
  }
}
