// Row 21: twice and ten times as many requests as one worker can answer, sent at their own pace whether answered or not. Needs `npm run build`.
//
//   node bench/reliability/overload.mjs [--seconds 10]

import autocannon from 'autocannon'
import { parseArgs } from 'node:util'
import { median, pause, startProcess } from './process.mjs'
import { writeRow } from './rows.mjs'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' } } })
const limit = 50
const service = await startProcess({ QUEUE_LIMIT: String(limit) })
const { inputs } = await (await fetch(`${service.url}/models/weather/sample`)).json()
// A request that takes the worker some milliseconds: that of the client and of HTTP beside it is small. Few bytes come back.
const body = JSON.stringify({ model: 'weather', inputs: Array.from({ length: 256 }, () => inputs[0]) })

/** Requests for some seconds, at `rate` a second or as fast as they are answered; what came of them. */
async function send (rate) {
  const got = { answered: 0, refused: [], bare: 0, other: 0, waiting: 0, bytes: 0 }
  const start = performance.now()
  const instance = autocannon({
    url: `${service.url}/predict`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    duration: Number(values.seconds),
    // Enough that one is free whenever a request is due: those that wait fill the queue and no more.
    connections: rate === undefined ? 8 : 4 * limit,
    timeout: 30,
    ...rate === undefined ? {} : { overallRate: Math.round(rate) },
    setupClient (client) {
      client.on('headers', ({ statusCode, headers }) => {
        if (statusCode === 429 && !headers.some((word) => /^retry-after$/i.test(word))) got.bare++
      })
    }
  })
  instance.on('response', (client, status, bytes, ms) => {
    if (status === 200) got.answered++
    else if (status === 429) got.refused.push(ms)
    else got.other++
  })
  const look = setInterval(async () => { got.waiting = Math.max(got.waiting, await service.metric('statescope_queue_requests')) }, 500)
  await instance
  clearInterval(look)
  const seconds = (performance.now() - start) / 1000
  got.refused.sort((a, b) => a - b)
  return { ...got, goodput: got.answered / seconds }
}

await send()
const rounds = []
for (const times of [2, 10]) {
  const { goodput: before } = await send()
  const got = await send(times * before)
  await pause(500)
  const { goodput: after } = await send()
  // The machine is not the same from minute to minute.
  const peak = (before + after) / 2
  rounds.push({ times, peak, share: got.goodput / peak, ...got })
}
const broken = service.alive() ? await service.check() : ['the process is gone']
await service.stop()

const at = (list, share) => list[Math.floor(list.length * share)]
const good = ({ share, refused, bare, other, waiting }) => share >= 0.9 && refused.length > 0 && at(refused, 0.99) < 50 && bare === 0 && other === 0 && waiting <= limit
const held = rounds.every(good) && broken.length === 0
writeRow({
  row: 21,
  fault: 'twice and ten times as many requests as one worker can answer',
  wanted: '429 with Retry-After, the p99 of refusals below 50 ms; at least 90 % of the peak answered; the queue bounded',
  got: rounds.map(({ times, peak, share, refused, bare, other, waiting }) => `${times}x: ${Math.round(share * 100)} % of the peak of ${peak.toFixed(0)} a second, ${refused.length} refused` +
    (refused.length === 0 ? '' : ` in ${median(refused).toFixed(1)} ms, p99 ${at(refused, 0.99).toFixed(1)} ms`) + `, ${bare} without Retry-After, ${other} other answers, at most ${waiting} of ${limit} waiting`).join('; ') +
    (broken.length === 0 ? '; everything stands' : `; does not stand: ${broken.join(', ')}`),
  held,
  how: 'node bench/reliability/overload.mjs'
})
if (!held) process.exitCode = 1
