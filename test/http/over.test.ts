import fastify from 'fastify'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { whenOver } from '../../src/http/over.ts'

/** An app that notes how each request ended, over one connection that sends all it is given at once and goes when `until` says. */
async function ended (t: Test, paths: readonly string[], until: (overs: readonly string[], answers: () => string) => boolean): Promise<string[]> {
  const app = fastify()
  const overs: string[] = []
  let seen = 0
  app.addHook('onRequest', (request, reply, next) => {
    seen++
    whenOver(reply, (sent) => overs.push(`${request.url} ${sent ? 'sent' : 'gone'}`))
    next()
  })
  app.get('/quick', async () => 'quick')
  app.get('/last', async (_, reply) => await reply.header('connection', 'close').send('last'))
  app.get('/never', async () => await new Promise(() => {}))
  app.get('/late', async (_, reply) => {
    while (!reply.raw.closed) await wait(5)
    whenOver(reply, (sent) => overs.push(`late ${sent ? 'sent' : 'gone'}`))
  })
  const url = new URL(await app.listen({ port: 0 }))
  t.teardown(async () => { await app.close() })
  let text = ''
  const socket = connect(Number(url.port), url.hostname, () => socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join('')))
  socket.on('data', (data) => { text += String(data) }).on('error', () => {})
  while (seen < paths.length || !until(overs, () => text)) await wait(5)
  socket.destroy()
  while (overs.length < paths.length) await wait(5)
  await wait(50)
  return overs
}

t.test('each answer that is sent, in the order of the requests', async (t) => {
  const answers = ['/quick', '/quick', '/quick']
  t.same(await ended(t, answers, (overs) => overs.length === 3), answers.map((path) => `${path} sent`))
})

t.test('a client that goes: the answer under way and all that wait behind it, once each', async (t) => {
  const warnings: Error[] = []
  process.on('warning', (warning) => warnings.push(warning))
  const paths = ['/quick', '/never', ...Array.from({ length: 30 }, () => '/quick')]
  t.same((await ended(t, paths, (overs) => overs.length > 0)).sort(), ['/never gone', ...Array.from({ length: 30 }, () => '/quick gone'), '/quick sent'].sort())
  t.same(warnings, [])
})

t.test('an answer that ends the connection, and what came behind it', async (t) => {
  t.same((await ended(t, ['/last', '/never'], (_, text) => text().includes('last'))).sort(), ['/last sent', '/never gone'])
})

t.test('asked when it is over already, it is told at once', async (t) => {
  t.same((await ended(t, ['/late'], () => true)).sort(), ['/late gone', 'late gone'])
})
