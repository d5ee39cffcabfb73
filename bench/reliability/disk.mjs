// Row 26: a disk that is full, that fails, that takes less than it was given, and no descriptors left. Needs `npm run build`, and root on Linux for the disk and the descriptors.
//
//   node bench/reliability/disk.mjs [--each 1]      every so many-th call, page and descriptor
//
// The disk is a small file system in memory, filled up to a page more each time; the descriptors are limited from outside (prlimit). EIO and short writes are had
// from no real disk here: the calls of the service below MODELS_DIR are replaced, and the nth of them fails.

import { execFileSync } from 'node:child_process'
import fs, { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pause, startProcess } from './process.mjs'
import { writeRow } from './rows.mjs'
import { standing } from './standing.mjs'
import { readCommand } from '../../dist/src/config.js'
import { startServer } from '../../dist/src/server.js'

const { values } = parseArgs({ options: { each: { type: 'string', default: '1' } } })
const each = Number(values.each)
const model = readFileSync('test/goldens/models/gru-last-k3-keras.keras')
const other = readFileSync('test/goldens/models/lstm-last-k2-h5.h5')
const found = { odd: [] }
const admin = { authorization: 'Bearer do it' }

/** One connection that stays: where there are no descriptors left, there would be none for another. */
function client (url) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const send = async (method, path, headers = {}, body = undefined) => await new Promise((resolve, reject) => {
    const request = http.request(url + path, { method, agent, headers: { ...admin, ...headers, ...body === undefined ? {} : { 'content-length': Buffer.byteLength(body) } } }, (answer) => {
      const chunks = []
      answer.on('data', (chunk) => chunks.push(chunk)).once('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: answer.statusCode, type: answer.headers['content-type'], body: text === '' ? null : JSON.parse(text) })
      })
    })
    request.once('error', reject)
    request.end(body)
  })
  return {
    upload: async (version) => await send('PUT', `/models/rain/versions/${version}`, { 'content-type': 'application/octet-stream' }, model),
    remove: async (version) => await send('DELETE', `/models/rain/versions/${version}`),
    ask: async (path, body) => await send('POST', path, { 'content-type': 'application/json' }, JSON.stringify(body)),
    look: async (path) => (await send('GET', path)).body,
    close: () => agent.destroy()
  }
}

/** A folder with the sample model of the standing assertions and the old version of the one that is uploaded anew. */
function fill (home) {
  cpSync('models/weather', join(home, 'weather'), { recursive: true })
  cpSync('test/goldens/models/lstm-last-k2-h5.h5', join(home, 'rain/1/model.h5'), { recursive: true })
}

const staged = (home) => {
  try {
    return readdirSync(join(home, '.statescope/staging'))
  } catch {
    return []
  }
}

/** What holds after a fault: the code that it has to be answered with, nothing left, and the old version serves with the bits it had. */
async function hold (name, home, { ask, look }, { status, type, body }, expected, old) {
  const wrong = (words) => found.odd.push(`${name}: ${words}`)
  if (!expected.includes(status)) wrong(`${status} ${body?.detail ?? ''}`)
  if (status >= 400 && type !== 'application/problem+json') wrong(`answered as ${type}`)
  if (staged(home).length > 0) wrong(`${staged(home).length} left in staging`)
  const there = readdirSync(join(home, 'rain')).join()
  if (there !== (status === 201 ? '1,2' : '1')) wrong(`versions ${there} on the disk`)
  const listed = (await look('/models/rain/versions')).versions.filter((one) => one.status === 'ready').map((one) => one.version).join()
  if (listed !== there) wrong(`versions ${listed} are served`)
  if (!readFileSync(join(home, 'rain/1/model.h5')).equals(other)) wrong('the old file is another')
  if (JSON.stringify((await ask('/predict', { ...old.asked, version: 1 })).body?.outputs) !== old.outputs) wrong('the old version answers otherwise')
}

async function oldAnswer ({ ask, look }) {
  const asked = await look('/models/rain/sample?version=1')
  return { asked, outputs: JSON.stringify((await ask('/predict', { ...asked, version: 1 })).body.outputs) }
}

/** The calls of the service below `home` go through here: the nth of them fails with `code`, or takes one byte alone. */
function failing (home) {
  const state = { n: 0, calls: 0, code: '' }
  const real = { ...fs.promises }
  const below = (path) => typeof path === 'string' && path.startsWith(home)
  const call = async (work, short = work) => {
    if (++state.calls !== state.n) return await work()
    if (state.code === 'short') return await short()
    throw Object.assign(new Error(`${state.code}: planted`), { code: state.code, syscall: 'planted' })
  }
  const handle = (file) => new Proxy(file, {
    get: (target, name) => {
      if (name === 'write') return async (bytes, at, length) => await call(() => target.write(bytes, at, length), () => target.write(bytes, at, 1))
      if (name === 'sync') return async () => await call(() => target.sync())
      if (name === 'close') return async () => { await target.close(); await call(async () => {}) }
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
  for (const name of ['mkdir', 'rename']) fs.promises[name] = async (path, ...rest) => below(path) ? await call(() => real[name](path, ...rest)) : await real[name](path, ...rest)
  fs.promises.open = async (path, ...rest) => below(path) ? handle(await call(() => real.open(path, ...rest))) : await real.open(path, ...rest)
  syncBuiltinESMExports()
  return {
    arm: (code, n) => Object.assign(state, { code, n, calls: 0 }),
    calls: () => state.calls,
    end: () => {
      Object.assign(fs.promises, real)
      syncBuiltinESMExports()
    }
  }
}

const broken = []

/** Takes away what the last upload stored, and waits until it has left the engines and the process that read it has ended. */
async function leave (own) {
  const { status } = await own.remove(2)
  if (status !== 204) found.odd.push(`version 2 cannot be deleted: ${status}`)
  await pause(3000)
}

/** Every call of an upload and of a delete, with every way to fail. */
async function everyCall () {
  const home = mkdtempSync(join(tmpdir(), 'disk-'))
  fill(home)
  const plant = failing(home)
  const server = await startServer(readCommand([], { PORT: '0', LOG_LEVEL: 'silent', WORKERS: '1', MODELS_DIR: home, ADMIN_TOKEN: 'do it' }))
  const own = client(server.url)
  const { check } = await standing(server.url, { folders: [] })
  const old = await oldAnswer(own)
  const counted = { uploads: 0, deletes: 0 }
  for (const [code, expected] of [['ENOSPC', [507]], ['EDQUOT', [507]], ['EIO', [503]], ['EMFILE', [503]], ['short', [201]]]) {
    for (let n = 1; ; n += each) {
      plant.arm(code, n)
      const answer = await own.upload(2)
      const reached = plant.calls() >= n
      plant.arm('', 0)
      await hold(`${code} at call ${n} of an upload`, home, own, answer, reached ? expected : [201], old)
      if (answer.status === 201) await own.remove(2)
      if (!reached) break
      counted.uploads++
    }
    if (code === 'short') continue
    await own.upload(2)
    for (let n = 1; ; n++) {
      plant.arm(code, n)
      const { status, body } = await own.remove(2)
      const reached = plant.calls() >= n
      plant.arm('', 0)
      if (status === 204 && !reached) break
      counted.deletes++
      const answer = JSON.stringify(await own.look('/models/rain/versions'))
      if (!expected.includes(status)) found.odd.push(`${code} at call ${n} of a delete: ${status} ${body?.detail ?? ''}`)
      if (!/"version":2,"status":"ready"/.test(answer) || !readFileSync(join(home, 'rain/2/model.keras')).equals(model)) found.odd.push(`${code} at call ${n} of a delete: version 2 is not there as it was`)
    }
  }
  broken.push(...await check())
  plant.end()
  own.close()
  await server.close()
  rmSync(home, { recursive: true })
  return counted
}

/** A disk with a page more of room each time, until the upload fits. */
async function fullDisk () {
  const home = mkdtempSync(join(tmpdir(), 'disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', home])
  try {
    fill(home)
    const service = await startProcess({ MODELS_DIR: home, ADMIN_TOKEN: 'do it' })
    const own = client(service.url)
    const old = await oldAnswer(own)
    const filler = join(home, '.filler')
    const page = 4096
    let refused = 0
    for (let pages = 0; ; pages += each) {
      // All of it, and then so many pages less.
      rmSync(filler, { force: true })
      const { bavail, bsize } = fs.statfsSync(home)
      writeFileSync(filler, Buffer.alloc(bavail * bsize - pages * page))
      const answer = await own.upload(2)
      await hold(`a disk with ${pages} pages left`, home, own, answer, [507, 201], old)
      if (answer.status === 201) {
        if (pages * page < model.length) found.odd.push(`${model.length} bytes are said to be stored in ${pages} pages`)
        break
      }
      refused++
      if (pages > 100) throw new Error('the upload never fits')
    }
    rmSync(filler)
    await leave(own)
    broken.push(...await service.check())
    own.close()
    await service.stop()
    return refused
  } finally {
    execFileSync('umount', ['-l', home])
    rmSync(home, { recursive: true })
  }
}

/** As many descriptors as are open, and one more each time, until the upload is stored. */
async function noDescriptors () {
  const home = mkdtempSync(join(tmpdir(), 'disk-'))
  fill(home)
  const service = await startProcess({ MODELS_DIR: home, ADMIN_TOKEN: 'do it' })
  const own = client(service.url)
  const old = await oldAnswer(own)
  const [, soft, hard] = /^NOFILE.*?(\d+)\s+(\d+)/m.exec(execFileSync('prlimit', ['--pid', String(service.pid), '--nofile'], { encoding: 'utf8' }))
  const limit = (most) => execFileSync('prlimit', ['--pid', String(service.pid), `--nofile=${most}:${hard}`])
  let refused = 0
  // A new descriptor gets the smallest number that is free, and the limit is on numbers.
  const numbers = () => new Set(readdirSync(`/proc/${service.pid}/fd`).map(Number))
  for (let more = 0; ; more += each) {
    const taken = numbers()
    let most = 0
    for (let free = 0; free < more || taken.has(most); most++) if (!taken.has(most)) free++
    limit(most)
    const answer = await own.upload(2)
    limit(soft)
    await hold(`${more} descriptors left`, home, own, answer, [503, 201], old)
    if (answer.status === 201) break
    refused++
    if (more > 100) throw new Error('the upload is never stored')
  }
  const before = service.descriptors()
  await leave(own)
  if (service.descriptors() > before) found.odd.push(`${service.descriptors() - before} descriptors more after a while`)
  broken.push(...await service.check())
  own.close()
  await service.stop()
  rmSync(home, { recursive: true })
  return refused
}

const counted = await everyCall()
const root = process.platform === 'linux' && process.getuid() === 0
const [pages, descriptors] = root ? [await fullDisk(), await noDescriptors()] : [0, 0]
const odd = [...found.odd, ...broken]
const held = odd.length === 0
for (const words of odd.slice(0, 40)) console.error(words)
writeRow({
  row: 26,
  fault: 'disk full, EIO, EMFILE, short writes',
  wanted: '507/503, the old model serves, at every n',
  got: `${counted.uploads} uploads and ${counted.deletes} deletes with the nth call failing (ENOSPC, EDQUOT, EIO, EMFILE) or taking one byte, every ${each === 1 ? '' : `${each}th `}n; ` +
    (root ? `${pages} uploads to a full disk, with a page more of room each; ${descriptors} with no descriptors, one more each` : 'no real disk, as that takes root on Linux') +
    `: ${found.odd.length} answered otherwise than 507 or 503, with something left behind, or with the old version touched${broken.length > 0 ? `; ${broken.join('; ')}` : ''}`,
  held,
  how: `node bench/reliability/disk.mjs${each === 1 ? '' : ` --each ${each}`}`
})
if (!held) process.exitCode = 1
