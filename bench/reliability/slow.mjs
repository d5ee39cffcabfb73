// Row 19: 2,000 connections that send a head or a body a byte a second, or take their answer so. Needs `npm run build`, and as many open files (`ulimit -n`).
//
//   node bench/reliability/slow.mjs [--sockets 2000]

import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { pause, startProcess } from './process.mjs'
import { writeRow } from './rows.mjs'

const { values } = parseArgs({ options: { sockets: { type: 'string', default: '2000' } } })
const wanted = Number(values.sockets)
// The usual 30 s would show the same, later.
const limit = 15
const service = await startProcess({ SLOW_CLIENT_S: String(limit) })
const { hostname, port } = new URL(service.url)
const { inputs } = await (await fetch(`${service.url}/models/weather/sample`)).json()
const { inputs: { text: [text] } } = await (await fetch(`${service.url}/models/chars/sample`)).json()

/** Answers of one client that asks twenty times a second: milliseconds. */
async function others (seconds) {
  const body = JSON.stringify({ model: 'weather', inputs })
  const took = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    const start = performance.now()
    const response = await fetch(`${service.url}/predict`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    await response.arrayBuffer()
    took.push(response.status === 200 ? performance.now() - start : Infinity)
    await pause(Math.max(0, start + 50 - performance.now()))
  }
  return took
}
const p99 = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length * 0.99)]

const head = 'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
const lines = `${JSON.stringify({ inputs: { text: [text] } })}\n`.repeat(3000)
const stream = `POST /models/chars/hidden-states HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${Buffer.byteLength(lines)}\r\n\r\n${lines}`
/** What each has sent at once; then it goes on a byte a second. Readers send all, and take a byte a second of an answer of some hundred MB. */
const kinds = { head: 'POST /pre', body: `${head}Content-Length: 100000\r\n\r\n{"model"`, reader: stream }
const counted = { cut: 0, answered: { head: 0, body: 0, reader: 0 }, odd: 0, last: 0 }
const open = new Set()

async function slow (kind) {
  const socket = connect(Number(port), hostname)
  open.add(socket)
  await new Promise((resolve) => socket.once('connect', resolve).once('error', resolve))
  const since = performance.now()
  socket.write(kinds[kind])
  let answer = ''
  if (kind === 'reader') socket.on('readable', () => {})
  else socket.on('data', (data) => { answer += data.toString('latin1') })
  const drip = setInterval(() => {
    if (kind === 'reader') socket.read(1)
    else if (socket.writable) socket.write(' ')
  }, 1000)
  const over = () => {
    clearInterval(drip)
    if (!open.delete(socket)) return
    counted.cut++
    counted.last = Math.max(counted.last, performance.now() - since)
    if (/^HTTP\/1\.1 408 /.test(answer)) counted.answered[kind]++
    else if (kind !== 'reader' && answer !== '') counted.odd++
  }
  socket.on('error', () => {}).once('close', over)
  // A socket that is not read does not hear that it was cut: it is asked.
  if (kind === 'reader') socket.once('end', over)
}

await pause(2000)
const alone = await others(5)
const before = { descriptors: service.descriptors(), resident: service.resident() }
const readers = Math.min(20, wanted)
const started = performance.now()
const all = Array.from({ length: wanted }, (_, n) => n < readers ? 'reader' : n % 2 === 0 ? 'head' : 'body')
while (all.length > 0) await Promise.all(all.splice(0, 100).map(slow))
// A connection stands when the service has taken it, which may be later than its client has it.
let standing = 0
const look = setInterval(() => { standing = Math.max(standing, service.descriptors() - before.descriptors) }, 100)
// What readers ask for is computed first, as for anybody, until they hold it up.
for (let idle = 0, looked = 0; idle < 2 && looked < 40; looked++) {
  await pause(100)
  idle = await service.metric('statescope_queue_requests') === 0 ? idle + 1 : 0
}
const beside = await others(5)
clearInterval(look)
const peak = service.resident()
// Cut by the service: its descriptors go, whatever the clients see.
while (service.descriptors() - before.descriptors > 4 && performance.now() - started < 120_000) await pause(100)
const freed = performance.now() - started
const left = service.descriptors() - before.descriptors
for (const socket of open) socket.destroy()
// The machine is not the same from minute to minute.
alone.push(...await others(5))
const broken = service.alive() ? await service.check() : ['the process is gone']
await service.stop()
const cut = wanted - readers
const answered = counted.answered.head + counted.answered.body
const held = standing >= wanted * 0.99 && left <= 4 && answered === cut && counted.odd === 0 && p99(beside) < 2 * p99(alone) && broken.length === 0
writeRow({
  row: 19,
  fault: `slow heads (${Math.ceil(cut / 2)}), bodies (${Math.floor(cut / 2)}) and readers (${readers}) at a byte a second, with SLOW_CLIENT_S=${limit}`,
  wanted: '408 or cut; what they hold is freed, the p99 of others below twice',
  got: `${standing} connections stood; ${answered} of ${cut} that send slowly answered 408, ${counted.odd} otherwise; the last of all cut ${(freed / 1000).toFixed(1)} s after the first came, ${left} descriptors left, RSS +${(peak - before.resident).toFixed(0)} MiB while they stood; ` +
    `p99 of others ${p99(alone).toFixed(1)} ms alone, ${p99(beside).toFixed(1)} ms beside them; ${broken.length === 0 ? 'everything stands' : `does not stand: ${broken.join(', ')}`}`,
  held,
  how: 'node bench/reliability/slow.mjs'
})
if (!held) process.exitCode = 1
