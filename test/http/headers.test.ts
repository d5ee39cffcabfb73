import t from 'tap'
import { call, inProject, serve } from './support.ts'

const { url } = await serve(t, inProject('models'))

t.test('answers tell a browser to guess, frame and load nothing; pages keep policies of their own', async (t) => {
  const body = { model: 'nextchar', inputs: { text: ['the'] } }
  const answers = [
    ['200', await call(`${url}/predict`, body)], ['404', await call(`${url}/nowhere`)], ['422', await call(`${url}/predict`, {})], ['bad address', await call(`${url}/%zz`)],
    ['lines', await call(`${url}/predict`, body, { accept: 'application/x-ndjson' })], ['npz', await call(`${url}/predict`, body, { accept: 'application/x-npz' })],
    ['/v2', await call(`${url}/v2`)], ['metrics', await call(`${url}/metrics`)], ['health', await call(`${url}/health/live`)], ['document', await call(`${url}/openapi.json`)]
  ] as const
  for (const [what, { headers }] of answers) {
    t.match(Object.fromEntries(headers), {
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'x-request-id': /^[\w-]{36}$/
    }, what)
    t.equal(headers.get('strict-transport-security'), null, 'that is for whoever does TLS')
    t.equal(headers.get('x-powered-by'), null)
  }
  const docs = (await call(`${url}/docs/static/index.html`)).headers
  t.match(docs.get('content-security-policy'), /script-src 'self'/)
  t.equal(docs.get('x-content-type-options'), 'nosniff')
})
