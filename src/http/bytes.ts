import type { FastifyReply } from 'fastify'
import type { Pool } from '../pool/protocol.ts'

/** Sends bytes as they are. Fastify takes those in shared memory for an object to be written as JSON, where nothing else is said. */
export const sendBytes = (reply: FastifyReply, { buffer, byteOffset, length }: Uint8Array): FastifyReply =>
  reply.serializer((bytes: string) => bytes).send(Buffer.from(buffer, byteOffset, length))

/**
 * The same with an answer of the pool, or a part of it, which gets its memory back when all of it is with the operating system ('finish'). Where a client
 * goes away before, a write may still read it: it is left to the garbage collector.
 */
export function sendAnswer (reply: FastifyReply, pool: Pick<Pool, 'sent'>, answer: Buffer, body: Buffer = answer): FastifyReply {
  reply.raw.once('finish', () => pool.sent(answer))
  return sendBytes(reply, body)
}
