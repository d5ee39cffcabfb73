import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Socket } from 'node:net'
import type { Settings } from '../config.ts'
import { Fault, Gone, type FaultCode } from '../errors.ts'

/** Fastify's own errors that a client can cause, by their code there. */
const fromFastify: Readonly<Record<string, readonly [FaultCode, string]>> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: ['malformed', 'The body is empty. Send a JSON object with "inputs".'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed', 'The body has another length than Content-Length says.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'Send the body as JSON, with the header "Content-Type: application/json".'],
  FST_ERR_BAD_URL: ['malformed', 'The address holds a % that starts no valid escape. Write a literal % as %25.'],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'A name in the address is longer than any model\'s.']
}

/** RFC 9457. `type` is a name and not an address: `code` says the same more briefly. */
export function problem (fault: Fault, requestId: string | undefined): Record<string, unknown> {
  return {
    type: `urn:statescope:problem:${fault.code}`,
    title: fault.title,
    status: fault.status,
    code: fault.code,
    detail: sentence(fault.message),
    pointer: fault.pointer,
    instance: requestId
  }
}

export const sentence = (words: string): string => `${words[0]?.toUpperCase() ?? ''}${words.slice(1)}${/[.!?]$/.test(words) ? '' : '.'}`

/** Every error of the application, those of Fastify and those of no route included, leaves as problem+json. */
export function answerProblems (app: FastifyInstance, limit: Settings['BODY_LIMIT_MB']): void {
  app.setErrorHandler((error: FastifyError | Fault, request, reply) => sendProblem(toFault(error, request, limit), request, reply))
  app.setNotFoundHandler((request, reply) => {
    sendProblem(new Fault('not_found', `There is no ${request.method} ${request.url.split('?')[0]}. /docs lists what there is.`), request, reply)
  })
}

/** Sends the problem, with the headers that its status calls for. */
export function sendProblem (fault: Fault, request: FastifyRequest, reply: FastifyReply): void {
  request.problem = fault.code
  if (fault.status === 401) reply.header('www-authenticate', 'Bearer')
  if (fault.code === 'queue_full' || fault.code === 'not_ready') reply.header('retry-after', '1')
  // As bytes: to a string Fastify would add a charset, which JSON does not have.
  reply.code(fault.status).type('application/problem+json').send(Buffer.from(JSON.stringify(problem(fault, request.id))))
}

/** The same before there is a route. */
export function frameworkError (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  sendProblem(toFault(error, request, 0), request, reply)
}

/** Any error of a request as one of the table; what is not the request's fault is logged. */
export function toFault (error: FastifyError | Fault, request: FastifyRequest, limit: number): Fault {
  if (error instanceof Fault) {
    if (error.status === 500) request.log.error(error)
    return error
  }
  // For the log, as nobody else is there.
  if (error instanceof Gone || (error.code === 'ERR_STREAM_PREMATURE_CLOSE' && request.raw.socket.destroyed)) return new Fault('not_ready', new Gone().message)
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new Fault('too_large', `the body is larger than ${limit} MiB: send fewer sequences at once, or start the service with a larger BODY_LIMIT_MB`)
  }
  const known = fromFastify[error.code]
  if (known !== undefined) return new Fault(known[0], known[1])
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) return new Fault('malformed', error.message)
  request.log.error(error)
  return new Fault('internal', `Something went wrong that is not the request's fault. The log of the service tells more under the id ${request.id}.`)
}

/** What Node's own parser refuses (a broken request line, headers too large or too slow): there is no request to answer yet. */
export function clientError (error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const slow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const large = error.code === 'HPE_HEADER_OVERFLOW'
  const status = slow ? '408 Request Timeout' : large ? '431 Request Header Fields Too Large' : '400 Bad Request'
  const fault = slow
    ? new Fault('too_slow', 'the request did not arrive in time: send it faster, or start the service with a larger SLOW_CLIENT_S')
    : new Fault('malformed', large ? 'The headers are too large.' : 'This is not an HTTP request.')
  const body = JSON.stringify({ ...problem(fault, undefined), status: Number(status.slice(0, 3)) })
  socket.end(`HTTP/1.1 ${status}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
  // What it still sends is not read. At once, the answer would be lost with it.
  setTimeout(() => socket.destroy(), 1000).unref()
}
