// Row 21: twice and ten times as many requests as one worker can answer, with small bodies and with 50 KB. Needs `npm run build`.
//
//   node bench/reliability/overload.mjs [--seconds 10] [--rounds 5] [--times 2]
//
// Open loop: a request is sent when it is due, evenly through each second, whether those before it are answered or not. Not by autocannon: what it has to send in a
// second it sends at once at the beginning, and a queue can only refuse such a crowd. The requests are such that the worker is what is short, not the machine that the
// client runs on too: each takes it some 30 to 200 ms, and few bytes come back. Where the client itself is late, its refusals are as much later. The service has one core to
// itself and the client the others (Linux, taskset): what refusals take of the service's core counts against it, what sending requests takes does not.

import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { send as ask } from '../http/client.mjs'
import { median, pause, startProcess } from './process.mjs'
import { writeRow } from './rows.mjs'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' }, rounds: { type: 'string', default: '5' }, times: { type: 'string', multiple: true, default: ['2', '10'] } } })
const limit = 20
const cores = availableParallelism()
const apart = cores > 1 && spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', `1-${cores - 1}`, String(process.pid)]).status === 0
const service = await startProcess({ QUEUE_LIMIT: String(limit) }, {}, apart ? ['taskset', '--cpu-list', '0'] : [])
const { inputs: [sequence] } = await (await fetch(`${service.url}/models/weather/sample`)).json()
const many = (size) => Array.from({ length: size }, () => sequence)
const kinds = [
  ['small bodies', '/relevance', { model: 'chars', inputs: { text: Array(16).fill('It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness') } }],
  ['bodies of 50 KB', '/relevance', { model: 'weather', inputs: many(400) }]
]

/** Open connections are kept, as many as there are requests under way. */
const pool = new Pool(service.url, { connections: null, pipelining: 1 })
const headers = { 'content-type': 'application/json' }

/** Requests for some seconds: `rate` a second, or as fast as eight clients have their answers. What came of them. */
async function send (path, body, rate) {
  const got = { answered: 0, refused: [], bare: 0, other: 0, waiting: 0 }
  const hear = ({ status, headers, ms }) => {
    if (status === 200) got.answered++
    else if (status === 429) got.refused.push(ms)
    else got.other++
    if (status === 429 && headers['retry-after'] === undefined) got.bare++
  }
  const start = performance.now()
  const end = start + Number(values.seconds) * 1000
  const look = setInterval(async () => { got.waiting = Math.max(got.waiting, await service.metric('statescope_queue_requests')) }, 500)
  const under = []
  if (rate === undefined) {
    const client = async () => { while (performance.now() < end) hear(await ask(pool, { path, headers, body })) }
    await Promise.all(Array.from({ length: 8 }, client))
  } else {
    for (let sent = 0; performance.now() < end;) {
      const due = Math.floor((performance.now() - start) / 1000 * rate)
      for (; sent < due; sent++) under.push(ask(pool, { path, headers, body }).then(hear))
      await pause(4)
    }
  }
  // What still waits was not answered in this time.
  const [seconds, inTime] = [(performance.now() - start) / 1000, got.answered]
  await Promise.all(under)
  clearInterval(look)
  return { ...got, goodput: inTime / seconds }
}

const rounds = []
for (const [name, path, object] of kinds) {
  const body = Buffer.from(JSON.stringify(object))
  await send(path, body)
  const found = new Map(values.times.map((times) => [Number(times), []]))
  let { goodput: before } = await send(path, body)
  for (let n = 0; n < Number(values.rounds); n++) {
    for (const [times, all] of found) {
      const got = await send(path, body, times * before)
      const { goodput: after } = await send(path, body)
      // The machine is not the same from minute to minute.
      const peak = (before + after) / 2
      all.push({ ...got, peak, share: got.goodput / peak })
      before = after
    }
  }
  for (const [times, all] of found) {
    rounds.push({
      name,
      times,
      peak: median(all.map(({ peak }) => peak)),
      shares: all.map(({ share }) => share).sort((a, b) => a - b),
      refused: all.flatMap(({ refused }) => refused).sort((a, b) => a - b),
      ...Object.fromEntries(['bare', 'other', 'waiting'].map((what) => [what, Math.max(...all.map((one) => one[what]))]))
    })
  }
}
await pool.close()
const broken = service.alive() ? await service.check() : ['the process is gone']
await service.stop()

const percent = (share) => Math.round(share * 100)
const at = (list, share) => list[Math.floor(list.length * share)]
const good = ({ shares, refused, bare, other, waiting }) => median(shares) >= 0.9 && refused.length > 0 && at(refused, 0.99) < 50 && bare === 0 && other === 0 && waiting <= limit
const held = rounds.every(good) && broken.length === 0
writeRow({
  row: 21,
  fault: 'twice and ten times as many requests as one worker can answer, with small bodies and with 50 KB',
  wanted: '429 with Retry-After, the p99 of refusals below 50 ms; at least 90 % of the peak answered; the queue bounded',
  got: rounds.map(({ name, times, peak, shares, refused, bare, other, waiting }) => `${name}, ${times}x: ${percent(median(shares))} % (${percent(shares[0])} to ${percent(shares.at(-1))}) of the peak of ${peak.toFixed(0)} a second, ${refused.length} refused` +
    (refused.length === 0 ? '' : ` in ${median(refused).toFixed(1)} ms, p99 ${at(refused, 0.99).toFixed(1)} ms`) + `, ${bare} without Retry-After, ${other} other answers, at most ${waiting} of ${limit} waiting`).join('; ') +
    (apart ? '; the service on one core, the client on another' : '; the client on the cores of the service') +
    (broken.length === 0 ? '; everything stands' : `; does not stand: ${broken.join(', ')}`),
  held,
  how: 'node bench/reliability/overload.mjs'
})
if (!held) process.exitCode = 1
