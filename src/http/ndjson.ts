import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { Fault } from '../errors.ts'
import type { Pool } from '../pool/protocol.ts'
import { parseScanned } from '../request/scan.ts'
import { got, isObject } from '../request/words.ts'
import { bodyOf, inWords } from './json.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The address names the model: bodies of NDJSON and of arrays are read. */
    lines?: boolean
  }
}

/** Answers that are computed at once for one stream. */
const atOnce = 8

/** Bodies of NDJSON reach their routes as streams: no limit holds for the whole of one, `linesOf` has one for a line. */
export function readNdjson (app: FastifyInstance): void {
  app.addContentTypeParser('application/x-ndjson', (request, body, done) => {
    if (request.routeOptions.config.lines === true) done(null, body)
    else done(new Fault('unsupported_media_type', 'Lines name no model: send NDJSON to /models/ID/predict or /models/ID/hidden-states, or one JSON object here, as application/json.'), undefined)
  })
}

/** Does a request send lines, as far as its header says? */
export const isLines = ({ headers }: Pick<FastifyRequest, 'headers'>): boolean => /^application\/x-ndjson\b/i.test(headers['content-type'] ?? '')

/** A line of a body, without its end; null where it is longer than `limit` bytes. Blank lines count and are left out. */
export interface Line { readonly number: number, readonly bytes: Buffer | null }

const isBlank = (bytes: Buffer): boolean => bytes[0] !== 123 && bytes.toString().trim() === ''

/** The lines of a body as they arrive. A line that is too long is read over, never held. */
export async function * linesOf (body: Readable, limit: number): AsyncGenerator<Line> {
  let parts: Buffer[] = []
  let size = 0
  let number = 0
  const end = (): Line => {
    const line = { number: ++number, bytes: size > limit ? null : Buffer.concat(parts) }
    parts = []
    size = 0
    return line
  }
  const add = (part: Buffer): void => {
    size += part.length
    if (size > limit) parts = []
    else parts.push(part)
  }
  for await (const chunk of body as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      add(chunk.subarray(from, at))
      from = at + 1
      const line = end()
      if (line.bytes === null || !isBlank(line.bytes)) yield line
    }
    add(chunk.subarray(from))
  }
  const last = end()
  if (last.bytes === null || !isBlank(last.bytes)) yield last
}

/** The object that a line is. `limit` is for the message about a line that was longer. */
export function readLine (bytes: Buffer | null, limit: number): Readonly<Record<string, unknown>> {
  if (bytes === null) throw new Fault('too_large', `the line is longer than ${limit} bytes: send its sequence in parts, or start the service with a larger BODY_LIMIT_MB`)
  let line: unknown
  try {
    line = parseScanned(bytes, bodyOf)
  } catch (error) {
    throw new Fault('malformed', inWords(error, bytes).message.replace('The body', 'The line'))
  }
  if (!isObject(line)) throw new Fault('invalid_value', `a line is an object with "inputs", got ${got(line)}`, '')
  return line
}

/**
 * What `answer` makes of each item, in the order of the items: a few are under way at once, and no item is taken before there is room for its answer, so a
 * slow reader holds its own writer back. An answer is given as soon as it is there, also while the next item is waited for.
 */
export async function * inOrder<Item, Answer> (items: AsyncIterable<Item> | Iterable<Item>, answer: (item: Item) => Promise<Answer>): AsyncGenerator<Answer> {
  const source: AsyncIterator<Item> | Iterator<Item> = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  const take = (): Promise<IteratorResult<Item>> => {
    const item = (async () => await source.next())()
    // Heard when there is room for its answer: until then a body that breaks off is nobody's unheard error, which would end the process.
    item.catch(() => {})
    return item
  }
  const underWay: Promise<Answer>[] = []
  let next: Promise<IteratorResult<Item>> | null = take()
  try {
    while (next !== null || underWay.length > 0) {
      const item = next !== null && underWay.length < atOnce ? [next.then((item) => ({ item }))] : []
      const first = await Promise.race([...item, ...underWay.slice(0, 1).map(async (answer) => ({ answer: await answer }))])
      if ('answer' in first) {
        underWay.shift()
        yield first.answer
      } else if (first.item.done === true) {
        next = null
      } else {
        const started = answer(first.item.value)
        // Heard when its turn comes.
        started.catch(() => {})
        underWay.push(started)
        next = take()
      }
    }
  } finally {
    // Whoever reads may have gone: nobody waits for the rest.
    next?.catch(() => {})
    Promise.resolve(source.return?.()).catch(() => {})
  }
}

/** The share of the queue that streams leave to requests that come alone, and for how long a line waits for the rest of it, in milliseconds: then it takes what there is. */
const [left, longest] = [0.5, 1000]
/** How often a line that waits tries again, in milliseconds. */
const often = 20

/**
 * Runs a line when there is room for it: a stream waits where a request alone is turned away. Some streams of eight lines at once would otherwise hold every place there is, and whoever
 * comes with one request would never find any.
 */
export async function patiently<Answer> (pool: Pick<Pool, 'full'>, run: () => Promise<Answer>): Promise<Answer> {
  for (let waited = 0; waited < longest && pool.full(left); waited += often) await wait(often)
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'queue_full') throw error
      await wait(often)
    }
  }
}

/** A line of an answer. */
export const lineOf = (json: Uint8Array | string): Buffer => Buffer.concat([typeof json === 'string' ? Buffer.from(json) : json, Buffer.of(10)])
