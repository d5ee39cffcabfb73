import t, { type Test } from 'tap'
import { buildApp } from '../../src/app.ts'
import { defaults, readCommand, SettingsError, type Serve, type Settings } from '../../src/config.ts'
import { Fault } from '../../src/errors.ts'
import type { App } from '../../src/http/service.ts'

async function limited (t: Test, settings: Partial<Settings>): Promise<App> {
  const app = await buildApp({ ...defaults(), LOG_LEVEL: 'silent', ...settings }, () => { throw new Fault('not_ready', 'no service') })
  app.get('/ask', async () => 'answered')
  t.teardown(async () => { await app.close() })
  return app
}

interface From { token?: string, address?: string, forwarded?: string, url?: string }
const ask = async (app: App, { token, address = '192.0.2.1', forwarded, url = '/ask' }: From = {}): Promise<number> => (await app.inject({
  url,
  remoteAddress: address,
  headers: { ...token === undefined ? {} : { authorization: `Bearer ${token}` }, ...forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } }
})).statusCode
/** How many of `n` requests pass. */
async function passing (app: App, n: number, from?: From): Promise<number> {
  let passed = 0
  for (let i = 0; i < n; i++) if (await ask(app, from) !== 429) passed++
  return passed
}

t.test('each token on its own, whatever its address; each address that brings none', async (t) => {
  const app = await limited(t, { API_TOKEN: 'one,two', ADMIN_TOKEN: 'three', RATE_LIMIT: 4 })
  t.equal(await passing(app, 6, { token: 'one' }), 4)
  t.equal(await passing(app, 2, { token: 'one', address: '192.0.2.9' }), 0, 'from elsewhere too')
  t.equal(await passing(app, 6, { token: 'two' }), 4)
  t.equal(await passing(app, 6, { token: 'three' }), 4)
  t.equal(await passing(app, 2), 2)
  t.equal(await passing(app, 3, { token: 'guess' }), 2, 'a wrong token counts for its address')
  t.equal(await passing(app, 2, { url: '/nowhere' }), 0, 'so does an address without a route')
  t.equal(await passing(app, 2, { address: '192.0.2.2' }), 2)
  t.equal(await ask(app, { url: '/health/live' }), 200, 'who watches is never refused')
})

t.test('a refusal is a problem that says when to come back, and then one may', async (t) => {
  const app = await limited(t, { RATE_LIMIT: 2, RATE_WINDOW_S: 1 })
  await passing(app, 2)
  const refused = await app.inject({ url: '/ask', remoteAddress: '192.0.2.1' })
  t.match(refused.json(), { status: 429, code: 'rate_limited', detail: /2 requests of 1 seconds: try again in 1 seconds/ })
  t.equal(refused.headers['content-type'], 'application/problem+json')
  t.equal(refused.headers['retry-after'], '1')
  t.equal((await app.inject({ url: '/v2/models/stats', remoteAddress: '192.0.2.1' })).headers['retry-after'], '1')
  await new Promise((resolve) => setTimeout(resolve, 1100))
  t.equal(await ask(app), 200)
})

t.test('an address is an IPv6 network, and what a trusted proxy says it is', async (t) => {
  const app = await limited(t, { RATE_LIMIT: 2, TRUST_PROXY: '10.0.0.0/8, loopback' })
  t.equal(await passing(app, 2, { address: '2001:db8:1:2::1' }) + await passing(app, 2, { address: '2001:db8:1:2:ffff::9' }), 2)
  t.equal(await passing(app, 1, { address: '2001:db8:1:3::1' }), 1)
  t.equal(await passing(app, 2, { address: '198.51.100.7' }) + await passing(app, 2, { address: '::ffff:198.51.100.7' }), 2)
  for (const forwarded of ['203.0.113.1', '203.0.113.2', '198.51.100.9, 203.0.113.3']) t.equal(await passing(app, 3, { address: '10.1.2.3', forwarded }), 2, forwarded)
  t.equal(await passing(app, 3, { address: '203.0.113.3', forwarded: '1.1.1.1' }), 0, 'who is no proxy cannot say that it is another')
  for (const forwarded of ['nonsense', '\u001b[31m', 'x'.repeat(5000), '__proto__']) await ask(app, { address: '10.1.2.3', forwarded })
  t.equal(await ask(app, { address: '10.1.2.3', forwarded: 'one more that is no address' }), 429, 'those are one caller')
})

t.test('off where nothing is said; memory is bounded', async (t) => {
  const open = await limited(t, {})
  t.equal(await passing(open, 50), 50)
  const app = await limited(t, { RATE_LIMIT: 1 })
  await ask(app, { address: '192.0.2.1' })
  t.equal(await ask(app, { address: '192.0.2.1' }), 429)
  for (let n = 0; n < 10_000; n++) await ask(app, { address: `198.18.${n >> 8}.${n & 255}` })
  t.equal(await ask(app, { address: '192.0.2.1' }), 200, 'of 10,001 the one not heard of for longest is forgotten')
})

t.test('odd settings are refused', async (t) => {
  for (const env of [{ TRUST_PROXY: 'yes' }, { TRUST_PROXY: '10.0.0.1/33' }, { TRUST_PROXY: '::1/129' }, { TRUST_PROXY: '10.0.0.1,' }, { TRUST_PROXY: '10.0.0.1/x' }, { TRUST_PROXY: '1.2.3.4/8/8' }, { RATE_LIMIT: '0' }, { RATE_LIMIT: '1.5' }, { RATE_WINDOW_S: '0' }]) {
    const [[name, value]] = Object.entries(env)
    t.throws(() => readCommand([], env), new SettingsError(), `${name}=${value}`)
  }
  for (const TRUST_PROXY of ['10.0.0.0/8', 'loopback, 192.0.2.1', '2001:db8::/32,uniquelocal', '::1/128']) await limited(t, (readCommand([], { TRUST_PROXY }) as Serve).settings)
})
