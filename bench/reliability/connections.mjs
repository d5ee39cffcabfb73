// Row 22: 10,000 connections that stay open, each with a request answered. Needs `npm run build`, and as many open files for one process (`ulimit -n`).
//
//   node bench/reliability/connections.mjs [--connections 10000]

import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { pause, startProcess } from './process.mjs'
import { writeRow } from './rows.mjs'

const { values } = parseArgs({ options: { connections: { type: 'string', default: '10000' } } })
const wanted = Number(values.connections)
const service = await startProcess()
const { hostname, port } = new URL(service.url)
const counted = { served: 0, refused: 0, odd: 0 }
const open = new Set()

/** A connection that has asked once and stays; settled when it is answered or refused. */
async function stay () {
  await new Promise((resolve) => {
    let text = ''
    const socket = connect(Number(port), hostname, () => socket.write(`GET /health/live HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`))
    open.add(socket)
    socket.setEncoding('latin1').on('data', (data) => {
      text += data
      if (!text.includes('\r\n\r\n')) return
      if (text.startsWith('HTTP/1.1 200 ')) counted.served++
      else if (text.startsWith('HTTP/1.1 503 ')) counted.refused++
      else counted.odd++
      socket.removeAllListeners('data').resume()
      resolve()
    })
    socket.on('error', () => {}).once('close', () => {
      open.delete(socket)
      // Closed before a word came: not taken.
      if (text === '') counted.refused++
      resolve()
    })
  })
}

await pause(2000)
const before = { resident: service.resident(), descriptors: service.descriptors() }
for (let made = 0; made < wanted; made += 100) await Promise.all(Array.from({ length: Math.min(100, wanted - made) }, stay))
await pause(2000)
const standing = open.size
const each = (service.resident() - before.resident) * 1024 / wanted
const held = service.descriptors() - before.descriptors
const waits = []
for (let n = 0; n < 20; n++) {
  const start = performance.now()
  await (await fetch(`${service.url}/health/live`)).text()
  waits.push(performance.now() - start)
}
for (const socket of open) socket.destroy()
await pause(3000)
const left = service.descriptors() - before.descriptors
const broken = service.alive() ? await service.check() : ['the process is gone']
await service.stop()
// fetch keeps one or two of its own.
const good = counted.served + counted.refused === wanted && counted.odd === 0 && counted.served === standing && each <= 20 && left <= 4 && broken.length === 0
writeRow({
  row: 22,
  fault: `${wanted.toLocaleString('en')} connections kept open`,
  wanted: 'served or refused cleanly, 20 KiB each at most',
  got: `${counted.served} served, ${counted.refused} refused, ${counted.odd} answered otherwise; ${standing} stand, with ${held} descriptors and ${each.toFixed(1)} KiB each; /health/live beside them in ${Math.min(...waits).toFixed(1)} ms; ` +
    `${left} descriptors left when they are gone${broken.length === 0 ? '; everything stands' : `; does not stand: ${broken.join(', ')}`}`,
  held: good,
  how: 'node bench/reliability/connections.mjs'
})
if (!good) process.exitCode = 1
