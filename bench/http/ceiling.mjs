// The ceiling: an empty Fastify server. It takes a body as bytes, looks at nothing, and answers ?bytes=N bytes that are ready.

import fastify from 'fastify'

const bodies = new Map()
const app = fastify({ bodyLimit: 2 ** 26 })
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.post('/', async ({ query: { bytes } }, reply) => {
  if (!bodies.has(bytes)) bodies.set(bytes, Buffer.alloc(Number(bytes), 'x'))
  return reply.type('application/octet-stream').send(bodies.get(bytes))
})
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) })
