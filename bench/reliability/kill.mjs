// Row 25: the process is killed at random moments of an upload, and what is there afterwards is looked at. Needs `npm run build`.
//
//   node bench/reliability/kill.mjs [--moments 1000] [--services 40] [--seed 1]
//
// Most moments are of a process that stores and removes versions with the service's own store (kill-child.mjs), as that starts quickly; `--services` of them are of the whole service, killed while
// a client uploads, and started again. The moments are spread over as long as it takes when nobody kills.

import { fork, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { contentOf } from './kill-child.mjs'
import { writeRow } from './rows.mjs'
import { random } from './support.mjs'
import { digestOf, readManifest } from '../../dist/src/store/manifest.js'
import { Store } from '../../dist/src/store/store.js'

const { values } = parseArgs({ options: { moments: { type: 'string', default: '1000' }, services: { type: 'string', default: '40' }, seed: { type: 'string', default: '1' } } })
const whole = Math.min(Number(values.services), Number(values.moments))
const light = Number(values.moments) - whole

const next = random(Number(values.seed))
const found = { lost: 0, mixed: 0, back: 0, left: 0, stored: 0, during: { writing: 0, committing: 0, removing: 0, between: 0 } }

/** Every version that lies there has to be whole. */
async function look (folder, told) {
  const home = join(folder, 'rain')
  const there = readdirSync(folder).includes('rain') ? readdirSync(home).map(Number) : []
  for (const version of there) {
    const manifest = await readManifest(join(home, String(version))).catch(() => null)
    const file = join(home, String(version), 'model.keras')
    const bytes = existsSync(file) ? readFileSync(file) : null
    if (manifest === null || bytes === null || digestOf(bytes) !== manifest.digest || !bytes.equals(contentOf(version))) found.mixed++
  }
  for (const version of told.stored) if (!there.includes(version) && version !== told.last - 1 && !told.removed.has(version)) found.lost++
  for (const version of told.removed) if (there.includes(version)) found.back++
  const staging = join(folder, '.statescope', 'staging')
  const left = () => existsSync(staging) ? readdirSync(staging).length : 0
  await new Store(folder).clear()
  found.left += left()
  return there
}

const folder = mkdtempSync(join(tmpdir(), 'kill-'))

/** The next one starts while this one is at work. */
function child () {
  const own = fork(join(import.meta.dirname, 'kill-child.mjs'), ['wait'])
  return { own, waiting: new Promise((resolve) => own.once('message', resolve)), dead: new Promise((resolve) => own.once('exit', resolve)) }
}

/** Milliseconds from the first byte of a version to the end of one that it replaces, in a process that has just started: the first replaces none, so two of them are all that happens. */
async function usual () {
  const { own, waiting, dead } = child()
  await waiting
  const times = []
  own.on('message', () => times.push(performance.now()))
  own.send({ folder, from: 1, to: 3 })
  await dead
  rmSync(folder, { recursive: true })
  return times.at(-1) - times[0]
}

const spans = []
while (spans.length < 5) spans.push(await usual())
const span = spans.sort((a, b) => a - b)[2]
let from = 1
let ahead = child()
// A process may be killed before it has made anything.
mkdirSync(folder, { recursive: true })
for (let n = 0; n < light; n++) {
  const told = { stored: new Set(), removed: new Set(), last: 0 }
  const { own, waiting, dead } = ahead
  await waiting
  let doing = ''
  const started = new Promise((resolve) => {
    own.on('message', ({ at, stored, removed }) => {
      doing = at
      if (stored !== undefined) {
        found.stored++
        told.stored.add(stored)
        told.last = stored
      }
      if (removed !== undefined) told.removed.add(removed)
      resolve()
    })
  })
  own.send({ folder, from })
  await started
  await new Promise((resolve) => setTimeout(resolve, next() * 1.1 * span))
  own.kill('SIGKILL')
  ahead = child()
  await dead
  found.during[doing]++
  const there = await look(folder, told)
  from = Math.max(0, from, ...there) + 1
  for (const version of there) await new Store(folder).remove(join(folder, 'rain', String(version)))
  if (n % 100 === 99) console.log(`${n + 1} moments: ${JSON.stringify(found)}`)
}
ahead.own.kill('SIGKILL')
rmSync(folder, { recursive: true })

/** The whole service, killed while a client uploads to it. */
const services = { ran: 0, acknowledged: 0, lost: 0, refused: 0, present: 0 }
const home = mkdtempSync(join(tmpdir(), 'kill-'))
const model = readFileSync('test/goldens/models/gru-last-k3-keras.keras')
const start = async () => {
  const child = spawn(process.execPath, ['dist/src/cli.js'], { env: { ...process.env, PORT: '0', WORKERS: '1', ENGINE: 'wasm', LOG_LEVEL: 'silent', MODELS_DIR: home, ADMIN_TOKEN: 'do it' }, stdio: ['ignore', 'pipe', 'ignore'] })
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [address] = /http:\/\/\S+$/.exec(line) ?? []
      if (line.startsWith('statescope')) resolve(address)
    }).once('close', () => reject(new Error('the service does not start')))
  })
  return { child, url }
}
const acknowledged = new Set()
const upload = async (url, version) => {
  const { status } = await fetch(`${url}/models/rain/versions/${version}`, { method: 'PUT', headers: { authorization: 'Bearer do it', 'content-type': 'application/octet-stream' }, body: model })
  if (status === 201) acknowledged.add(version)
}
/** Milliseconds that an upload takes; the first one is in peace. */
let takes = 0
for (let n = 0; n <= whole; n++) {
  const { child, url } = await start()
  const { versions = [] } = await (await fetch(`${url}/models/rain/versions`)).json()
  services.refused += versions.filter(({ status }) => status !== 'ready').length
  for (const version of acknowledged) if (!versions.some((one) => one.version === version)) services.lost++
  services.present = versions.length
  services.left = readdirSync(home).includes('.statescope') ? readdirSync(join(home, '.statescope')).length : 0
  const dead = new Promise((resolve) => child.once('exit', resolve))
  if (n < whole) {
    if (n === 0) {
      const begun = performance.now()
      await upload(url, 1)
      takes = performance.now() - begun
    }
    services.ran++
    const uploading = upload(url, n + 2).catch(() => {})
    // A little longer than it takes: some are killed just after they were acknowledged.
    await new Promise((resolve) => setTimeout(resolve, next() * 1.3 * takes))
    child.kill('SIGKILL')
    await uploading
  } else {
    child.kill('SIGTERM')
  }
  await dead
}
services.acknowledged = acknowledged.size
rmSync(home, { recursive: true })

const held = found.lost + found.mixed + found.back + found.left + services.lost + services.refused + services.left === 0
const { writing, committing, removing, between } = found.during
writeRow({
  row: 25,
  fault: 'SIGKILL during upload',
  wanted: 'after the restart old or new, never mixed; acknowledged means present: 0 lost in 1,000 moments',
  got: `${light} random moments of ${Math.round(span)} ms in which a process stores two versions and removes one (${writing} while it wrote, ${committing} while it committed, ${removing} while it removed, ${between} between; ${found.stored} acknowledged): ` +
    `${found.lost} lost, ${found.mixed} mixed, ${found.back} that came back, ${found.left} left after the start; ${services.ran} of the whole service during uploads of ${Math.round(takes)} ms ` +
    `(${services.acknowledged} acknowledged, ${services.present} there at the end): ${services.lost} lost, ${services.refused} refused`,
  held,
  how: `node bench/reliability/kill.mjs --moments ${values.moments} --services ${values.services} --seed ${values.seed}`
})
if (!held) process.exitCode = 1
