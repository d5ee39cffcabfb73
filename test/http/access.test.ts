import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { buildApp } from '../../src/app.ts'
import { defaults, SettingsError, type Settings } from '../../src/config.ts'
import { Fault } from '../../src/errors.ts'
import type { App } from '../../src/http/service.ts'

/** Whether a request may pass is decided before there is a service to ask. */
async function guarded (t: Test, settings: Partial<Settings>): Promise<App> {
  const app = await buildApp({ ...defaults(), LOG_LEVEL: 'silent', ...settings }, () => { throw new Fault('not_ready', 'no service') })
  app.post('/administer', { config: { scope: 'admin' } }, async () => 'done')
  app.get('/ask', async () => 'answered')
  t.teardown(async () => { await app.close() })
  return app
}

const send = async (app: App, method: 'GET' | 'POST', url: string, token?: string): Promise<[status: number, code: string | undefined, detail: string]> => {
  const { statusCode, body } = await app.inject({ method, url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
  const { code, detail = body } = body.startsWith('{') ? JSON.parse(body) : {} as { code?: string, detail?: string }
  return [statusCode, code, detail]
}

t.test('a token is good for its scope', async (t) => {
  const app = await guarded(t, { API_TOKEN: 'ask me, me too', ADMIN_TOKEN: 'do it' })
  for (const token of ['ask me', 'me too', 'do it']) t.match(await send(app, 'GET', '/ask', token), [200], token)
  t.match(await send(app, 'POST', '/administer', 'do it'), [200, undefined, 'done'])
  for (const token of ['ask me', 'me too']) t.match(await send(app, 'POST', '/administer', token), [403, 'forbidden', /ADMIN_TOKEN.*inference alone/], token)
  t.match(await send(app, 'POST', '/administer', 'wrong'), [401, 'unauthorized', /not the ADMIN_TOKEN/])
  t.match(await send(app, 'POST', '/administer'), [401, 'unauthorized', /with the ADMIN_TOKEN/])
  for (const wrong of ['ask me, me too', 'ask', 'ask me,', 'me', 'do itt', 'DO IT']) t.match(await send(app, 'GET', '/ask', wrong), [401, 'unauthorized', /not the API_TOKEN/], wrong)
})

t.test('without ADMIN_TOKEN nobody administers, and the answer says how to switch it on', async (t) => {
  for (const settings of [{}, { API_TOKEN: 'ask me' }]) {
    const app = await guarded(t, settings)
    for (const token of [undefined, 'ask me', 'undefined', 'null']) t.match(await send(app, 'POST', '/administer', token), [403, 'forbidden', /off.*ADMIN_TOKEN/], `${token}`)
  }
})

t.test('with ADMIN_TOKEN alone inference is open, whatever is sent', async (t) => {
  const app = await guarded(t, { ADMIN_TOKEN: 'do it' })
  for (const token of [undefined, 'do it', 'anything']) t.match(await send(app, 'GET', '/ask', token), [200], `${token}`)
  t.match(await send(app, 'POST', '/administer', 'anything'), [401])
})

t.test('tokens come from files, as secrets are mounted, and are read again when those change', async (t) => {
  // Kubernetes swaps a link to the folder of the secret.
  const folder = t.testdir({ one: { api: 'first\n\n  second  \r\n', admin: 'do it' } })
  const link = join(folder, 'now')
  symlinkSync('one', link)
  const settings = { API_TOKEN: 'plain', API_TOKEN_FILE: join(link, 'api'), ADMIN_TOKEN_FILE: join(link, 'admin') }
  const app = await guarded(t, settings)
  for (const token of ['plain', 'first', 'second', 'do it']) t.match(await send(app, 'GET', '/ask', token), [200], token)
  t.match(await send(app, 'GET', '/ask', 'third'), [401])
  const changed = async (version: string, api: string, seen: () => Promise<boolean>): Promise<void> => {
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, 'api'), api)
    writeFileSync(join(folder, version, 'admin'), 'do it')
    symlinkSync(version, `${link}.new`)
    renameSync(`${link}.new`, link)
    while (!await seen()) await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await changed('two', 'third', async () => (await send(app, 'GET', '/ask', 'third'))[0] === 200)
  t.match(await send(app, 'GET', '/ask', 'first'), [401], 'what is no longer in it is no token')
  t.match(await send(app, 'GET', '/ask', 'plain'), [200])
  // What cannot be used changes nothing: an emptied file must not open the service.
  const words: [words: string, refused: boolean][] = []
  const said = await import('../../src/tokens.ts').then(({ readTokens }) => readTokens({ ...defaults(), API_TOKEN_FILE: join(link, 'api') }, (...told) => words.push(told)))
  t.teardown(said.close)
  await changed('three', ' \n', async () => words.length > 0)
  t.match(words, [[/stay as they were.*holds no token/, true]])
  t.equal(said.callerOf('third')?.name, 'inference/1')
  t.match(await send(app, 'GET', '/ask', 'third'), [200])
  t.match(await send(app, 'GET', '/ask'), [401])
  rmSync(link)
  t.match(await send(app, 'GET', '/ask', 'third'), [200])
})

t.test('what would leave the door open, or nobody could pass, keeps the service from starting', async (t) => {
  const folder = t.testdir({ empty: '\n', umlaut: 'grün', twice: 'ask me' })
  const refused: [what: string, settings: Partial<Settings>, words: RegExp][] = [
    ['no file', { API_TOKEN_FILE: join(folder, 'none') }, /API_TOKEN_FILE cannot be read.*ENOENT/],
    ['a folder', { ADMIN_TOKEN_FILE: folder }, /ADMIN_TOKEN_FILE cannot be read/],
    ['an empty file', { API_TOKEN_FILE: join(folder, 'empty') }, /holds no token/],
    ['commas', { API_TOKEN: ' , ,' }, /API_TOKEN holds no token/],
    ['what no header carries', { API_TOKEN_FILE: join(folder, 'umlaut') }, /printable ASCII/],
    ['one of both scopes', { ADMIN_TOKEN: 'do it,ask me', API_TOKEN_FILE: join(folder, 'twice') }, /same token.*API_TOKEN and in ADMIN_TOKEN/]
  ]
  for (const [what, settings, words] of refused) {
    const refusal: Error = await guarded(t, settings).then(() => new Error('it starts'), (error) => error)
    t.ok(refusal instanceof SettingsError, what)
    t.match(refusal.message, words)
    t.notMatch(refusal.message, /grün|do it|ask me/, 'and no token is shown')
  }
})
