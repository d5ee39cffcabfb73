import type { FastifyReply } from 'fastify'
import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Roster, type Listed } from './roster.ts'

interface Waiting extends Listed { readonly tell: (sent: boolean) => void }

/** Who waits for the end of a connection: one listener each, however many requests came over it at once. */
const waiting = new WeakMap<Socket, Roster<Waiting>>()
/** Who waits for the end of an answer: the listeners are those of the first. */
const callers = new WeakMap<ServerResponse, ((sent: boolean) => void)[]>()

/**
 * Calls `over` once, when the last of an answer is with the operating system, or its client is gone: `sent` says which. Fastify's onResponse is not called where
 * the client goes away in the middle of a stream; 'close' comes then. Of an answer that waits behind another one on the same connection Node says nothing when the
 * connection ends: its own 'close' counts too.
 */
export function whenOver ({ raw, request: { raw: { socket } } }: FastifyReply, over: (sent: boolean) => void): void {
  if (raw.closed || socket.closed) {
    over(raw.writableFinished)
    return
  }
  const others = callers.get(raw)
  if (others !== undefined) {
    others.push(over)
    return
  }
  const all = [over]
  callers.set(raw, all)
  const tell = (sent: boolean): void => {
    raw.off('finish', onFinish).off('close', onGone)
    waiting.get(socket)?.delete(own)
    callers.delete(raw)
    for (const one of all) one(sent)
  }
  const own: Waiting = { tell }
  const onFinish = (): void => tell(true)
  const onGone = (): void => tell(false)
  raw.once('finish', onFinish).once('close', onGone)
  if (socket instanceof Socket) goneWith(socket).add(own)
}

function goneWith (socket: Socket): Roster<Waiting> {
  const known = waiting.get(socket)
  if (known !== undefined) return known
  const all = new Roster<Waiting>()
  waiting.set(socket, all)
  socket.once('close', () => { for (const { tell } of all.all()) tell(false) })
  return all
}
