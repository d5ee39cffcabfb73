// Bytes to a service as they are, and all that it sends back until it closes or is quiet.

import { connect } from 'node:net'

/** Sends the parts, one after the other as they can be written; gives the text of the answer (latin1), whether the service closed, and how many bytes it let through. */
export async function send (url, parts, { quiet = 1000 } = {}) {
  const { hostname, port } = new URL(url)
  const start = performance.now()
  return await new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    let text = ''
    let first
    let timer
    const end = (closed) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, closed, ms: (first ?? performance.now()) - start, sent: socket.bytesWritten })
    }
    const wait = () => {
      clearTimeout(timer)
      // Who answers and does not close waits for more; who does neither is given longer.
      timer = setTimeout(() => end(false), text === '' ? 30_000 : quiet)
    }
    wait()
    socket.on('data', (data) => {
      first ??= performance.now()
      text += data.toString('latin1')
      wait()
    }).on('error', () => {}).on('close', () => end(true))
    const iterator = parts[Symbol.iterator]()
    const write = () => {
      for (;;) {
        const { value, done } = iterator.next()
        if (done || socket.destroyed || text !== '') return
        if (!socket.write(value)) break
      }
      socket.once('drain', write)
    }
    socket.once('connect', write)
  })
}

/** The status of each answer in a text, and the last one's body as JSON, where it is some. */
export function read (text) {
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status))
  const body = text.slice(text.lastIndexOf('\r\n\r\n') + 4)
  try {
    return { statuses, type: /^content-type: (.*)\r$/im.exec(text)?.[1], json: JSON.parse(body) }
  } catch {
    return { statuses, type: undefined, json: undefined }
  }
}
