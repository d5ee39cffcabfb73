import { createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'

type Answer = { status: number, bytes: number, ms: number, error?: Error }
interface Connected { send: (request: { path: string, headers: Record<string, string>, body: Buffer }) => Promise<Answer>, close: () => void }
const { Connection } = await import(new URL('../../../bench/http/connection.mjs', import.meta.url).href) as { Connection: new (port: number) => Connected }

const request = { path: '/some?where=1', headers: { 'content-type': 'text/plain' }, body: Buffer.from('abc') }

/** A server that answers each request by `answer`, with what it was sent; and a connection to it. */
async function asked (t: Test, answer: (socket: Socket, text: string, number: number) => unknown): Promise<Connected> {
  let number = 0
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    let text = ''
    socket.on('data', (data) => {
      text += data.toString('latin1')
      if (!text.endsWith('\r\n\r\nabc')) return
      answer(socket, text, number++)
      text = ''
    })
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const connection = new Connection((server.address() as { port: number }).port)
  t.teardown(() => {
    connection.close()
    for (const socket of open) socket.destroy()
    server.close()
  })
  return connection
}

t.test('the bytes of an answer are counted, in however many pieces it comes', async (t) => {
  const sizes = [0, 1, 65536, 300000, 5, 1000000]
  let pieces = 1
  const connection = await asked(t, async (socket, text, number) => {
    t.match(text, /^POST \/some\?where=1 HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\ncontent-type: text\/plain\r\ncontent-length: 3\r\n\r\nabc$/)
    const answer = Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${sizes[number % sizes.length]}\r\nx: y\r\n\r\n`), Buffer.alloc(sizes[number % sizes.length], 'x')])
    const all = pieces
    for (let n = 0; n < all; n++) {
      socket.write(answer.subarray(Math.floor(answer.length * n / all), Math.floor(answer.length * (n + 1) / all)))
      await new Promise((resolve) => setImmediate(resolve))
    }
  })
  for (pieces of [1, 2, 7, 40]) {
    for (const size of sizes) t.match(await connection.send(request), { status: 200, bytes: size, error: undefined })
  }
})

t.test('what is no whole answer is an error, and the next request has a new connection', async (t) => {
  const connection = await asked(t, (socket, _, number) => {
    if (number === 0) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort')
    else if (number === 1) socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n')
    else if (number === 2) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nlong')
    else if (number === 3) socket.write('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno')
    else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  })
  const said = []
  for (let n = 0; n < 5; n++) said.push(await connection.send(request))
  t.match(said, [{ status: 0, error: /before the answer was whole/ }, { status: 0, error: /does not say how long/ }, { status: 0, error: /more than was announced/ }, { status: 503, bytes: 2 }, { status: 200, bytes: 2 }])
})

t.test('nobody listens', async (t) => {
  const connection = new Connection(1)
  t.match(await connection.send(request), { status: 0, error: /ECONNREFUSED/ })
})
