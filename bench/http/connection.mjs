// A connection of HTTP/1.1 on which answers are counted, not looked at. By hand, as the client has to leave the cores to the servers: of an answer of 336 KiB undici
// takes 0.3 ms, this a quarter of that.

import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'

/** Bytes that are read at once, always into the same memory; with four times as many the kernel takes four times as long for a large answer. */
const room = 2 ** 16

/** One request after the other, over one connection to this machine; a connection that the server has closed is opened anew. */
export class Connection {
  #port
  #socket = null
  /** Requests as the bytes that they are, head and body. */
  #texts = new Map()

  constructor (port) { this.#port = port }

  /** What a request is answered, and after how many milliseconds: `{ status, bytes, ms }`; with status 0 and an `error` where it is not. */
  async send (request) {
    if (!this.#texts.has(request)) this.#texts.set(request, this.#textOf(request))
    const started = performance.now()
    const answer = await new Promise((resolve) => {
      const socket = this.#socket ??= this.#open()
      socket.answer = { head: '', status: 0, left: 0, bytes: 0, done: resolve }
      socket.write(this.#texts.get(request))
    })
    return { ...answer, ms: performance.now() - started }
  }

  close () {
    this.#socket?.destroy()
  }

  #textOf ({ path, headers, body }) {
    const lines = Object.entries({ host: `127.0.0.1:${this.#port}`, ...headers, 'content-length': body.length }).map(([name, value]) => `${name}: ${value}\r\n`)
    return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), body])
  }

  #open () {
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true, onread: { buffer: Buffer.allocUnsafe(room), callback: (length, buffer) => this.#take(socket, buffer, length) } })
    let why = new Error('the connection was closed before the answer was whole')
    socket.on('error', (error) => { why = error })
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = null
      socket.answer?.done({ status: 0, bytes: 0, error: why })
    })
    return socket
  }

  /** Some of an answer: its head, until there is all of it, then bytes of its body. */
  #take (socket, buffer, length) {
    const { answer } = socket
    if (answer === null) return this.#drop(socket, 'there is more than was announced')
    let from = 0
    if (answer.status === 0) {
      const before = answer.head.length
      answer.head += buffer.latin1Slice(0, length)
      const end = answer.head.indexOf('\r\n\r\n')
      if (end < 0) return true
      const bytes = /\r\ncontent-length: *(\d+)/i.exec(answer.head.slice(0, end))
      if (bytes === null) return this.#drop(socket, 'the answer does not say how long it is')
      answer.status = Number(answer.head.slice(9, 12))
      answer.bytes = answer.left = Number(bytes[1])
      from = end + 4 - before
    }
    answer.left -= length - from
    if (answer.left > 0) return true
    if (answer.left < 0) return this.#drop(socket, 'there is more than was announced')
    const { status, bytes, done } = answer
    socket.answer = null
    done({ status, bytes })
    return true
  }

  /** Nothing that still comes over it is an answer. */
  #drop (socket, why) {
    this.#socket = null
    socket.destroy(new Error(why))
    return false
  }
}
