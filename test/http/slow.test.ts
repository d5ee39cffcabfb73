import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { serve as start } from '../support/service.ts'
import { call, inProject } from './support.ts'

const { url, server } = await start({ MODELS_DIR: inProject('models'), SLOW_CLIENT_S: '1', RESPONSE_LIMIT_MB: '1', BODY_LIMIT_MB: '2' })
t.teardown(server.close)
const { port } = new URL(url)
const { inputs } = (await call(`${url}/models/weather/sample`)).body
const golden = (await call(`${url}/predict`, { model: 'weather', inputs })).body.outputs

interface Raw { readonly socket: Socket, readonly text: () => string, readonly closed: Promise<void> }

function raw (text: string | Buffer): Raw {
  const socket = createConnection(Number(port), '127.0.0.1', () => socket.write(text))
  let answer = ''
  socket.on('data', (data) => { answer += String(data) }).on('error', () => {})
  return { socket, text: () => answer, closed: new Promise((resolve) => { socket.on('close', () => resolve()) }) }
}

const head = (more: string): string => `POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}\r\n\r\n`
const slow = /^HTTP\/1\.1 408 .*application\/problem\+json.*"code":"too_slow"/s

t.test('a head and a body that do not arrive are cut, with a problem', async (t) => {
  const [silent, half, stalled, chunked] = [raw(''), raw('POST /predict HTTP/1.1\r\nHo'), raw(`${head('Content-Length: 100')}{"model"`), raw(`${head('Transfer-Encoding: chunked')}5\r\n{"mod\r\n`)]
  await Promise.all([silent, half, stalled, chunked].map(async ({ closed }) => await closed))
  for (const [name, { text }] of Object.entries({ silent, half, stalled, chunked })) t.match(text(), slow, name)
})

t.test('who has sent much is cut all the same when nothing more comes', async (t) => {
  // By its rate alone it would have a hundred seconds.
  const client = raw(`${head('Content-Length: 200000')}${' '.repeat(100_000)}`)
  await client.closed
  t.match(client.text(), slow)
})

t.test('who goes on sending what was refused is cut', async (t) => {
  const client = raw('POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
  const piece = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(2 ** 20), Buffer.from('\r\n')])
  let sent = 0
  const more = (): void => {
    sent += piece.length
    if (!client.socket.destroyed) client.socket.write(piece, () => setTimeout(more, 1))
  }
  client.socket.once('connect', more)
  await client.closed
  t.match(client.text(), /^HTTP\/1\.1 404 /)
  t.ok(sent > 64 * 2 ** 20, `after ${sent} bytes`)
})

t.test('the answer to a body that is too large arrives, however much is still on its way', async (t) => {
  const piece = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(2 ** 20, ' '), Buffer.from('\r\n')])
  for (const length of ['Transfer-Encoding: chunked', `Content-Length: ${500 * 2 ** 20}`]) {
    const client = raw(head(length))
    await once(client.socket, 'connect')
    // It looks for an answer when it has sent for a while.
    client.socket.pause()
    for (let mebibyte = 0; mebibyte < 16; mebibyte++) {
      client.socket.write(piece)
      await wait(25)
    }
    client.socket.resume()
    while (client.text() === '' && !client.socket.destroyed) await wait(5)
    t.match(client.text(), /^HTTP\/1\.1 413 .*"code":"too_large"/s, length)
    client.socket.destroy()
  }
})

t.test('one byte at a time is too slow too', async (t) => {
  const client = raw(head('Content-Length: 100000'))
  const drip = setInterval(() => client.socket.write(' '), 200)
  await client.closed
  clearInterval(drip)
  t.match(client.text(), slow)
})

t.test('who does not read an answer is cut; who reads slowly, or sends slowly but steadily, is not', async (t) => {
  const { body: sample } = await call(`${url}/models/chars/sample`)
  const [text] = sample.inputs.text as string[]
  const body = `${JSON.stringify({ inputs: { text } })}\n`.repeat(3000)
  const lines = (length: number): string => `POST /models/chars/hidden-states HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${length}\r\n\r\n`
  const ends: string[] = []
  const one = (name: string): Socket => {
    const client = createConnection(Number(port), '127.0.0.1')
    client.on('error', () => {}).on('close', () => ends.push(name))
    client.write(lines(Buffer.byteLength(body)))
    client.write(body)
    return client
  }
  const [never, seldom] = [one('never'), one('seldom')]
  never.pause()
  seldom.on('data', () => {
    seldom.pause()
    setTimeout(() => seldom.resume(), 50)
  })
  const steady = raw(head('Content-Length: 8000'))
  const pour = setInterval(() => steady.socket.write(' '.repeat(500)), 200)
  t.same((await call(`${url}/predict`, { model: 'weather', inputs })).body.outputs, golden, 'others have their answers')
  // A socket that is not read does not hear that it was cut, until it is.
  while (!/status="499"\} 1\n/.test(await (await fetch(`${url}/metrics`)).text())) await wait(100)
  while (!/^HTTP/.test(steady.text())) await wait(50)
  clearInterval(pour)
  never.resume()
  while (!ends.includes('never')) await wait(50)
  t.same(ends, ['never'])
  t.match(steady.text(), /^HTTP\/1\.1 (400|422) /, 'its 8000 blanks are no JSON')
  for (const client of [seldom, steady.socket]) client.destroy()
})

t.test('requests that two readers would read differently are refused, and the connection with them', async (t) => {
  const json = '{}'
  const two = 'GET /models HTTP/1.1\r\nHost: x\r\n\r\n'
  const cases = {
    'both lengths': `${head('Content-Length: 2\r\nTransfer-Encoding: chunked')}0\r\n\r\n${two}`,
    'both lengths, turned': `${head('Transfer-Encoding: chunked\r\nContent-Length: 2')}0\r\n\r\n${two}`,
    'two lengths': `${head('Content-Length: 2\r\nContent-Length: 3')}${json}${two}`,
    'one length twice': `${head('Content-Length: 2\r\nContent-Length: 2')}${json}${two}`,
    'a list of lengths': `${head('Content-Length: 2, 2')}${json}${two}`,
    'a length with a sign': `${head('Content-Length: +2')}${json}${two}`,
    'a length that is none': `${head('Content-Length: 0x2')}${json}${two}`,
    'another coding': `${head('Transfer-Encoding: xchunked')}${json}${two}`,
    'a coding after chunked': `${head('Transfer-Encoding: chunked, identity')}0\r\n\r\n${two}`,
    'a blank before the colon': `${head('Content-Length : 2')}${json}${two}`,
    'a folded line': `${head('X: a\r\n Content-Length: 2')}${json}${two}`,
    'a line feed alone': `POST /predict HTTP/1.1\nHost: x\nContent-Length: 2\n\n${json}${two}`,
    'a return alone': `POST /predict HTTP/1.1\rHost: x\r\nContent-Length: 2\r\n\r\n${json}${two}`,
    'a chunk that is longer than it says': `${head('Transfer-Encoding: chunked')}1\r\n{}\r\n0\r\n\r\n${two}`,
    'a chunk of no number': `${head('Transfer-Encoding: chunked')}0x2\r\n{}\r\n0\r\n\r\n${two}`,
    'two hosts': `GET /models HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n${two}`,
    'no host': `GET /models HTTP/1.1\r\n\r\n${two}`,
    'a zero byte': `${head('X: a\0b\r\nContent-Length: 2')}${json}${two}`
  }
  for (const [name, text] of Object.entries(cases)) {
    const { text: answer, closed } = raw(text)
    await closed
    t.match(answer(), /^HTTP\/1\.1 400 .*application\/problem\+json/s, name)
    t.equal(answer().match(/HTTP\/1\.1/g)?.length, 1, `${name}: nothing behind it is answered`)
  }
})

t.test('bodies that are too large, plain or when unpacked, and answers that would be', async (t) => {
  const large = ' '.repeat(3 * 2 ** 20)
  t.match(await call(`${url}/predict`, large), { status: 413, body: { code: 'too_large', detail: /BODY_LIMIT_MB/ } })
  const bomb = gzipSync(' '.repeat(100 * 2 ** 20))
  t.ok(bomb.length < 2 ** 18)
  const { heapUsed, external } = process.memoryUsage()
  const response = await fetch(`${url}/predict`, { method: 'POST', headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: bomb })
  t.equal(response.status, 413)
  const grown = (process.memoryUsage().heapUsed + process.memoryUsage().external - heapUsed - external) / 2 ** 20
  t.ok(grown < 64, `${grown} MiB`)

  const many = { model: 'weather', inputs: Array.from({ length: 200 }, () => inputs[0]) }
  const refused = await call(`${url}/hidden-states`, { ...many, inputs: Array.from({ length: 2000 }, () => inputs[0]) })
  t.match(refused, { status: 413, body: { code: 'too_large', detail: /^The answer would have \d+ numbers.*RESPONSE_LIMIT_MB/ } })
  t.equal((await call(`${url}/hidden-states`, { ...many, steps: 'last' })).status, 200)
  const lines = await fetch(`${url}/hidden-states`, {
    method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/x-ndjson' }, body: JSON.stringify({ ...many, inputs: Array.from({ length: 300 }, () => inputs[0]) })
  })
  t.equal((await lines.text()).trim().split('\n').filter((line) => 'layers' in JSON.parse(line)).length, 300, 'a line for each sequence has no such limit')
})
