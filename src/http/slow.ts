import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { isLines } from './ndjson.ts'
import { clientError } from './problem.ts'
import { Roster, type Listed } from './roster.ts'
import type { App } from './service.ts'

/** Bytes of a body for which its client has a second more. */
const rate = 1000
/** How often it is looked at those who send, in milliseconds. */
const often = 1000
/** Bytes that are read and thrown away after an answer that came before the end of its request. */
const rest = 64 * 2 ** 20

/** A request that has not been answered, or has not arrived. */
interface Open extends Listed {
  readonly raw: IncomingMessage
  readonly answer: ServerResponse
  readonly socket: Socket
  readonly bytesBefore: number
  /** Its pauses are the client's own: a line may come whenever there is something to say. */
  readonly lines: boolean
  /** How many seconds there was nothing of its body to read, in all and since something came. */
  waited: number
  idle: number
  /** What had been read of its connection when it was looked at last, and when it had its answer. */
  read: number
  answered: number | null
}

/**
 * Cuts clients that are too slow: one that lets the service wait for its body for more than `seconds`, and one more for each 1000 bytes that it has sent (answered with 408, where nothing
 * is answered yet), one that sends nothing at all for as long, and one that takes nothing of its answer for as long. Time in which the service does not read, because it has enough to do,
 * is not counted. For the whole of a body there is no limit, as Node's own would be: a stream of lines may go on for hours, with pauses of any length that its rate allows. Heads have
 * Node's `headersTimeout`. Who goes on sending what was refused already is cut after 64 MiB of it.
 */
export function cutSlowClients (app: App, seconds: number): void {
  const open = new Roster<Open>()
  app.addHook('onRequest', (request, { raw: answer }, next) => {
    const { raw } = request
    if (raw.socket instanceof Socket) {
      const one: Open = { raw, answer, socket: raw.socket, bytesBefore: raw.socket.bytesRead, lines: isLines(request), waited: 0, idle: 0, read: raw.socket.bytesRead, answered: null }
      open.add(one)
      // An answer may be over before its request: the rest is still read.
      answer.once('close', () => { if (raw.complete) open.delete(one) })
    }
    next()
  })

  // Fastify ends the connection of a body that is too large. While something of it is on its way, that takes the answer away from the client (RFC 9112, 9.6): it stays open, and the
  // rest is thrown away.
  app.addHook('onSend', ({ raw }, reply, payload, next) => {
    if (reply.statusCode === 413 && !raw.complete) reply.removeHeader('connection')
    next(null, payload)
  })

  const look = (): void => {
    for (const one of open.all()) {
      const { raw, answer, socket, bytesBefore } = one
      const { bytesRead } = socket
      if (socket.destroyed || (raw.complete && answer.closed)) open.delete(one)
      if (socket.destroyed || raw.complete) continue
      const waits = raw.readableLength === 0
      if (waits) one.waited += often / 1000
      one.idle = waits && bytesRead === one.read ? one.idle + often / 1000 : 0
      one.read = bytesRead
      if (answer.writableFinished) one.answered ??= bytesRead
      const slow = one.waited > seconds + (bytesRead - bytesBefore) / rate || (!one.lines && one.idle > seconds)
      if (!slow && (one.answered === null || bytesRead - one.answered <= rest)) continue
      open.delete(one)
      if (answer.headersSent) socket.destroy()
      else clientError(Object.assign(new Error('a body that does not arrive'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket)
    }
  }
  const watch = setInterval(look, often).unref()
  app.addHook('onClose', async () => clearInterval(watch))

  // Nothing has gone either way for as long. Its first head is Node's to wait for; a request may be waiting for its answer; a connection without one is done with.
  app.server.setTimeout(seconds * 1000, (socket: Socket) => {
    const waits = socket.bytesWritten === 0 || open.all().some((one) => one.socket === socket)
    if (socket.writableLength > 0 || !waits) socket.destroy()
  })
}
