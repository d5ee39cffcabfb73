import { errorCodes, type FastifyInstance, type FastifyRequest } from 'fastify'
import { Fault } from '../errors.ts'
import { parseScanned } from '../request/scan.ts'
import { strictJson } from '../request/strict.ts'
import { addWholeParser, freeBytes } from './whole.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The bytes of a JSON body: its lists may still be read from them (request/scan.ts), until `freeBody`. */
    bodyBytes: Buffer | null
  }
}

/**
 * Bodies are read as JSON, their lists of numbers straight from the bytes; what is not JSON is refused with its place, and so is what `strictJson` refuses.
 */
export function readJson (app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.decorateRequest('bodyBytes', null)
  addWholeParser(app, 'application/json', (request, bytes, done) => {
    request.bodyBytes = bytes
    let result: [error: Error | null, body: unknown]
    try {
      result = [null, parseScanned(bytes, bodyOf)]
    } catch (error) {
      result = [bytes.length === 0 ? new errorCodes.FST_ERR_CTP_EMPTY_JSON_BODY() : inWords(error, bytes), undefined]
    }
    done(...result)
  })
}

/** The fields of a request, or of a line of one. */
export const bodyOf = (text: string): unknown => strictJson(unmarked(text), true)

/** Why `bodyOf` does not take what stands in these bytes. */
export const inWords = (error: unknown, bytes: Buffer): Fault => error instanceof Fault ? error : new Fault('malformed', whatIsWrong(unmarked(bytes.toString())))

/** Without a byte order mark, which is no part of a text. */
const unmarked = (text: string): string => text.startsWith('\ufeff') ? text.slice(1) : text

/** For handlers that have decoded all of a JSON body: its bytes need not wait for the garbage collector. */
export function freeBody (request: FastifyRequest): void {
  if (request.bodyBytes !== null) freeBytes(request.bodyBytes)
  request.bodyBytes = null
}

/** Why a text is not JSON, in words with the place. */
export function whatIsWrong (text: string): string {
  const offset = firstBreak(text) ?? text.length
  const before = text.slice(0, offset).split('\n')
  const place = `line ${before.length}, column ${before[before.length - 1].length + 1}`
  if (offset === text.length) return `The body is not JSON: it ends too early, at ${place}.`
  const found = /^-?[\w.]+/.exec(text.slice(offset, offset + 20))?.[0] ?? text[offset]
  const hint = /^-?(NaN|Infinity|nan|inf)/.test(found)
    ? ' JSON has no such number: fill the gap, or mask the step as the model expects.'
    : found === "'" ? ' JSON strings stand in double quotes.' : ''
  return `The body is not JSON: ${JSON.stringify(found)} at ${place} cannot stand there.${hint}`
}

const blank = /[ \t\n\r]*/y
const scalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y
const escape = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y

/**
 * Where a text stops being JSON (RFC 8259); its length where it ends too early; null where it is JSON. JSON.parse says it in some
 * of its messages only. Not recursive, as the text may be nested however deep.
 */
export function firstBreak (text: string): number | null {
  const open: string[] = []
  let at = 0
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const found = pattern.test(text)
    if (found) at = pattern.lastIndex
    return found
  }
  const string = (): boolean => {
    if (text[at] !== '"') return false
    at++
    while (at < text.length) {
      if (text[at] === '"') { at++; return true }
      if (text[at] === '\\') { if (!skip(escape)) return false } else if (text.charCodeAt(at) < 32) return false
      else at++
    }
    return false
  }
  let expected: 'value' | 'first value' | 'key' | 'first key' | 'next' = 'value'
  for (;;) {
    skip(blank)
    if (expected === 'next' && open.length === 0) return at === text.length ? null : at
    const char = text[at]
    const first = expected === 'first value' || expected === 'first key'
    if ((expected === 'next' || first) && char === open[open.length - 1]) {
      open.pop()
      at++
      expected = 'next'
    } else if (expected === 'next') {
      if (char !== ',') return at
      at++
      expected = open[open.length - 1] === '}' ? 'key' : 'value'
    } else if (expected === 'key' || expected === 'first key') {
      if (!string()) return at
      skip(blank)
      if (text[at] !== ':') return at
      at++
      expected = 'value'
    } else if (char === '[' || char === '{') {
      open.push(char === '[' ? ']' : '}')
      at++
      expected = char === '[' ? 'first value' : 'first key'
    } else {
      if (!(char === '"' ? string() : skip(scalar))) return at
      expected = 'next'
    }
  }
}
