// Row 32: tokens, orders to terminals and 100,000 names, sent in every place where a client may write something, while all is logged that can be. Needs `npm run build`.
//
//   node bench/reliability/log-and-metrics.mjs [--names 100000]

import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { writeRow } from './rows.mjs'
import { standing } from './standing.mjs'

const { values: { names } } = parseArgs({ options: { names: { type: 'string', default: '100000' } } })
const tokens = { API_TOKEN: 'inference-7d41c0ffee,other-93b1c0ffee', ADMIN_TOKEN: 'administer-5e77c0ffee' }
const secrets = Object.values(tokens).flatMap((text) => text.split(','))
const headers = { authorization: `Bearer ${secrets[0]}` }
const json = { ...headers, 'content-type': 'application/json' }
const nasty = ['', '\r\n{"level":60}', '\u001b[31m', '\u009b31m', '\u2028', '\u202e', '"}', '\0', '%0d%0a', '{statescope="1"} 1\n']
const orders = /[\p{Cc}\p{Cf}\u2028\u2029]/u

// Names of files are written by whoever may write them.
const home = mkdtempSync(join(tmpdir(), 'log-and-metrics-'))
const models = join(home, 'models')
cpSync('models/weather', join(models, 'weather'), { recursive: true })
for (const name of ['\u001b[31mred', '\u009b31m', 'a\nb', 'a"} 1', '\u202ebackwards']) {
  mkdirSync(join(models, name))
  writeFileSync(join(models, name, 'model.h5'), 'not HDF5')
}

const log = { lines: 0, requests: 0, secrets: 0, orders: 0, broken: 0, longest: 0 }
function look (line) {
  if (line.includes('c0ffee')) log.secrets++
  if (orders.test(line)) log.orders++
  log.longest = Math.max(log.longest, line.length)
}

const service = spawn(process.execPath, ['dist/src/cli.js'], {
  env: { ...process.env, ...tokens, MODELS_DIR: models, PORT: '0', WORKERS: '1', LOG_LEVEL: 'trace', TRUST_PROXY: 'loopback' },
  stdio: ['ignore', 'pipe', 'pipe']
})
createInterface({ input: service.stderr }).on('line', (line) => {
  log.lines++
  look(line)
  try {
    if (JSON.parse(line).msg === 'request') log.requests++
  } catch {
    log.broken++
  }
})
const url = await new Promise((resolve, reject) => {
  let said = ''
  createInterface({ input: service.stdout }).on('line', (line) => {
    look(line)
    said += `${line}\n`
    if (line.startsWith('try')) resolve(/http:\/\/\S+/.exec(said)[0])
  }).once('close', () => reject(new Error(`the service does not start: ${said}`)))
})
const { check } = await standing(url, { headers })

const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
const counted = { answers: 0, failures: 0, odd: 0 }
const ask = async ({ path, method = 'GET', headers, body }) => await new Promise((resolve, reject) => {
  const request = http.request(url + path, { method, headers, agent }, (answer) => {
    const { statusCode, headers: { 'content-type': type } } = answer
    counted.answers++
    if (statusCode >= 500) counted.failures++
    // /v2 has errors of its own protocol.
    if (statusCode >= 400 && type !== 'application/problem+json' && !path.startsWith('/v2')) counted.odd++
    answer.resume().once('end', resolve)
  })
  request.once('error', reject)
  request.end(body)
})

/** The ways in which a name, with a secret and something nasty in it, can be sent. */
const ways = [
  (word) => ({ path: `/models/${encodeURIComponent(word)}`, headers }),
  (word) => ({ path: `/${encodeURIComponent(word)}?token=${secrets[1]}`, headers }),
  (word) => ({ path: `/models/weather?version=${encodeURIComponent(word)}`, headers }),
  (word) => ({ path: '/predict', method: 'POST', headers: json, body: JSON.stringify({ model: word, inputs: [[word]] }) }),
  (word) => ({ path: '/hidden-states', method: 'POST', headers: json, body: `{"model": "weather", ${JSON.stringify(word)}: 1, "inputs": [}` }),
  (word) => ({ path: `/v2/models/${encodeURIComponent(word)}/infer`, method: 'POST', headers: json, body: JSON.stringify({ id: word }) }),
  (word, secret) => {
    const name = encodeURIComponent(word)
    return { path: '/models', headers: { authorization: `Bearer ${name}`, cookie: secret, 'user-agent': secret, 'x-request-id': name, traceparent: secret, 'x-forwarded-for': `${name}, ${secret}` } }
  }
]

/** Names `from` to `to`, eight requests at a time. */
async function send (from, to) {
  let next = from
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (next < to) {
      const n = next++
      const secret = secrets[n % secrets.length]
      await ask(ways[n % ways.length](`name-${n}${nasty[n % nasty.length]}${secret}`, secret))
    }
  }))
}

const scrape = async () => await (await fetch(`${url}/metrics`, { headers })).text()
const seriesIn = (text) => text.split('\n').filter((line) => line.startsWith('statescope_')).length
/** What no client library would send. */
async function sendRaw () {
  const { hostname, port } = new URL(url)
  for (const word of nasty) {
    await new Promise((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.end(`GET /${word}${secrets[0]} HTTP/1.1\r\nHost: ${secrets[0]}\r\nX: ${word}${secrets[0]}\r\nConnection: close\r\n\r\n`, 'latin1'))
      socket.on('error', resolve).on('close', resolve).resume()
    })
  }
}

// Each way with each nasty part has its series once.
const first = nasty.length * ways.length
await send(0, first)
await sendRaw()
await scrape()
const before = seriesIn(await scrape())
await send(first, Number(names))
await sendRaw()
const text = await scrape()
const grown = seriesIn(text) - before
const told = /c0ffee|name-/.test(text) || orders.test(text.replaceAll('\n', ''))
const broken = await check()
service.kill('SIGTERM')
await new Promise((resolve) => service.once('close', resolve))
rmSync(home, { recursive: true })

const held = log.secrets + log.orders + log.broken + grown + counted.failures + counted.odd + broken.length === 0 && log.requests >= counted.answers && !told
writeRow({
  row: 32,
  fault: 'log and metric abuse',
  wanted: '0 secrets in the log, no control character in it, labels bounded',
  got: `${counted.answers} requests with as many names, ${log.lines} lines of log at level trace, the longest of ${log.longest} characters: ${log.secrets} with a secret, ${log.orders} with a control character, ` +
    `${log.broken} that are no JSON; ${grown} more series in /metrics${told ? ', WHICH TELLS WHAT CLIENTS SENT' : ''}; ${counted.failures} answers of 5xx, ${counted.odd} errors that are no problem+json` +
    (broken.length > 0 ? `; ${broken.join('; ')}` : ''),
  held,
  how: 'node bench/reliability/log-and-metrics.mjs'
})
if (!held) process.exitCode = 1
