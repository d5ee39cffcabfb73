// Row 25: the process is killed at random moments of an upload, and what is there afterwards is looked at. Needs `npm run build`.
//
//   node bench/reliability/kill.mjs [--moments 1000] [--services 20] [--seed 1]
//
// Most moments are of a process that stores a version with the service's own store, as that starts quickly; `--services` are of the whole service, killed while a
// client uploads, and started again.

import { fork, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { writeRow } from './rows.mjs'
import { random } from './support.mjs'
import { digestOf, readManifest } from '../../dist/src/store/manifest.js'
import { Store } from '../../dist/src/store/store.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { moments: { type: 'string', default: '1000' }, services: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } }
})

const size = 4 * 2 ** 20
/** Bytes that tell the version that they are of. */
const contentOf = (version) => Buffer.concat([Buffer.from('PK'), Buffer.alloc(size, `version ${version} `)])

async function storeVersions (folder, from) {
  const store = new Store(folder)
  await store.clear()
  for (let version = from; ; version++) {
    const bytes = contentOf(version)
    const staged = await store.begin()
    const received = await staged.writeModel((async function * () {
      for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
    })(), 2 * size)
    process.send({ begun: version })
    await store.commit(staged, 'rain', version, {
      digest: received.digest, files: { [received.name]: { size: received.size, digest: received.digest } }, format: 'keras', kerasVersion: null, notes: [], receipt: null, stored: new Date().toISOString()
    })
    // Whoever hears of this may count on it.
    process.send({ stored: version })
    // Every other version is replaced: removed again, with the next one there.
    if (version > from) {
      await store.remove(join(folder, 'rain', String(version - 1)))
      process.send({ removed: version - 1 })
    }
  }
}

if (positionals[0] === 'store') {
  process.on('disconnect', () => process.exit())
  await storeVersions(positionals[1], Number(positionals[2]))
}

const next = random(Number(values.seed))
const found = { lost: 0, mixed: 0, back: 0, left: 0, stored: 0, during: 0 }

/** Every version that lies there has to be whole. */
async function look (folder, told) {
  const home = join(folder, 'rain')
  const there = readdirSync(folder).includes('rain') ? readdirSync(home).map(Number) : []
  for (const version of there) {
    const manifest = await readManifest(join(home, String(version))).catch(() => null)
    const bytes = readFileSync(join(home, String(version), 'model.keras'))
    if (manifest === null || digestOf(bytes) !== manifest.digest || !bytes.equals(contentOf(version))) found.mixed++
  }
  for (const version of told.stored) if (!there.includes(version) && version !== told.last - 1 && !told.removed.has(version)) found.lost++
  for (const version of told.removed) if (there.includes(version)) found.back++
  const staging = join(folder, '.statescope', 'staging')
  const left = () => readdirSync(join(folder, '.statescope')).includes('staging') ? readdirSync(staging).length : 0
  if (left() > 0) found.during++
  await new Store(folder).clear()
  found.left += left()
  return there
}

const folder = mkdtempSync(join(tmpdir(), 'kill-'))
let from = 1
for (let n = 0; n < Number(values.moments); n++) {
  const told = { stored: new Set(), removed: new Set(), last: 0 }
  const child = fork(import.meta.filename, ['store', folder, String(from)])
  const dead = new Promise((resolve) => child.once('exit', resolve))
  const started = new Promise((resolve) => {
    child.on('message', ({ begun, stored, removed }) => {
      if (stored !== undefined) {
        found.stored++
        told.stored.add(stored)
        told.last = stored
      }
      if (removed !== undefined) told.removed.add(removed)
      if (begun !== undefined) resolve()
    })
  })
  await started
  await new Promise((resolve) => setTimeout(resolve, next() * 60))
  child.kill('SIGKILL')
  await dead
  const there = await look(folder, told)
  from = Math.max(0, from, ...there) + 1
  for (const version of there) await new Store(folder).remove(join(folder, 'rain', String(version)))
  if (n % 100 === 99 || process.env.LOUD) console.log(`${n + 1} moments: ${JSON.stringify(found)}`)
}
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
for (let n = 0; n <= Number(values.services); n++) {
  const { child, url } = await start()
  const { versions = [] } = await (await fetch(`${url}/models/rain/versions`)).json()
  services.refused += versions.filter(({ status }) => status !== 'ready').length
  for (const version of acknowledged) if (!versions.some((one) => one.version === version)) services.lost++
  services.present = versions.length
  services.left = readdirSync(home).includes('.statescope') ? readdirSync(join(home, '.statescope')).length : 0
  const dead = new Promise((resolve) => child.once('exit', resolve))
  if (n < Number(values.services)) {
    services.ran++
    const uploading = upload(url, n + 1).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, next() * 1500))
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
writeRow({
  row: 25,
  fault: 'SIGKILL during upload',
  wanted: 'after the restart old or new, never mixed; acknowledged means present: 0 lost in 1,000 moments',
  got: `${values.moments} random moments of a process that stores and removes versions (${found.stored} acknowledged; ${found.during} left something half done): ${found.lost} lost, ${found.mixed} mixed, ${found.back} that came back, ` +
    `${found.left} left after the start; ${services.ran} of the whole service (${services.acknowledged} acknowledged, ${services.present} there at the end): ${services.lost} lost, ${services.refused} refused`,
  held,
  how: `node bench/reliability/kill.mjs --moments ${values.moments} --services ${values.services} --seed ${values.seed}`
})
if (!held) process.exitCode = 1
