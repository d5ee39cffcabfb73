import type { FastifyReply } from 'fastify'

/**
 * Calls `over` once, when the last of an answer is with the operating system, or its client is gone: `sent` says which. Fastify's onResponse is not called where
 * the client goes away in the middle of a stream; 'close' comes then.
 */
export function whenOver ({ raw }: FastifyReply, over: (sent: boolean) => void): void {
  let told = false
  const tell = (sent: boolean): void => {
    if (told) return
    told = true
    over(sent)
  }
  raw.once('finish', () => tell(true)).once('close', () => tell(false))
}
