import { Fault } from '../errors.ts'
import type { App } from './service.ts'

/** Refuses a request that names no host or two, as RFC 9112 (3.2) asks of a server, and closes its connection: a proxy before this one may have read the other. */
export function askForHost (app: App): void {
  app.addHook('onRequest', (request, reply, next) => {
    const { rawHeaders, httpVersion } = request.raw
    let hosts = 0
    for (let n = 0; n < rawHeaders.length; n += 2) if (rawHeaders[n].length === 4 && rawHeaders[n].toLowerCase() === 'host') hosts++
    if (hosts === 1 || (hosts === 0 && httpVersion === '1.0')) {
      next()
      return
    }
    reply.header('connection', 'close')
    next(new Fault('malformed', hosts === 0 ? 'The request names no host: send the header Host.' : 'The header Host stands there more than once: send it once.'))
  })
}
