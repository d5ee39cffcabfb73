// Rows 1 to 3: real files of each format, cut every 64 bytes and with single bits turned round. Needs `npm run build`.
//
//   node bench/reliability/fuzz-files.mjs [--flips 10000] [--format h5-keras2] [--seed 1]
//
// Every cut file, and every turned bit where the digest is known, is read as the service reads; of the turned bits without a digest one in 20 is, the others by two
// processes that read many files each (many-files.mjs). `--flips 0`: row 1 alone.

import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { ManyFiles } from './many-files.mjs'
import { attempt, late, random, startService } from './support.mjs'
import { writeRow } from './rows.mjs'

const { values: given } = parseArgs({ options: { flips: { type: 'string', default: '10000' }, format: { type: 'string' }, seed: { type: 'string', default: '1' } } })
const goldens = 'test/goldens/models'

/** A real model of each format. */
const all = {
  'h5-keras2': 'lstm-last-k2-h5.h5',
  'h5-keras3': 'lstm-last-k3-h5.h5',
  keras: 'one-of-all-k3-keras.keras',
  pair: 'old-wrapped-pair-k3.8-json',
  shards: 'old-nested-shards-tfjs'
}
const formats = Object.entries(all).filter(([name]) => given.format === undefined || name === given.format)
/** The 48 bytes of version 0 superblocks are the first 96 with the root's entry. */
const superblock = 96
/** One in so many is read as the service reads. */
const sampled = 20

const home = mkdtempSync(join(tmpdir(), 'fuzz-files-'))
const service = await startService()
const counts = {}
const broken = []
const slow = { cut: 0 }

for (const [format, source] of formats) {
  const folder = join(home, format)
  const isFolder = statSync(join(goldens, source)).isDirectory()
  if (isFolder) cpSync(join(goldens, source), folder, { recursive: true })
  else cpSync(join(goldens, source), join(folder, `model${source.slice(source.lastIndexOf('.'))}`))
  const names = readdirSync(folder)
  const main = join(folder, names.find((name) => /^model\.(keras|h5|json)$/.test(name)))
  const weights = names.includes('model.weights.h5') ? join(folder, 'model.weights.h5') : null
  const originals = new Map(names.map((name) => [name, readFileSync(join(folder, name))]))
  const read = async (how) => await attempt({ main, weights }, how)
  const { file } = await read({})
  const { digest } = file
  const count = counts[format] = { cuts: tally(), flips: tally(), digest: tally() }

  for (const [name, bytes] of originals) {
    for (let length = 0; length < bytes.length; length += 64) {
      writeFileSync(join(folder, name), bytes.subarray(0, length))
      const result = await read({})
      note(count.cuts, result, `${format} ${name} cut to ${length}`)
      // The machine may be busy with something else once.
      let best = result.ms
      for (let again = 0; again < 4 && best > 300; again++) best = Math.min(best, (await read({})).ms)
      slow.cut = Math.max(slow.cut, best)
    }
    writeFileSync(join(folder, name), bytes)
  }

  const places = placesIn(originals)
  const turned = (folder, { name, bit }) => {
    const bytes = Buffer.from(originals.get(name))
    bytes[bit >> 3] ^= 1 << (bit & 7)
    writeFileSync(join(folder, name), bytes)
  }
  const back = (folder, { name }) => writeFileSync(join(folder, name), originals.get(name))

  for (const [n, place] of places.entries()) {
    turned(folder, place)
    note(count.digest, await read({ digest }), `${format} ${place.name} bit ${place.bit} with digest`)
    if (n % sampled === 0) note(count.flips, await read({}), `${format} ${place.name} bit ${place.bit}`)
    back(folder, place)
  }
  const rest = places.filter((_, n) => n % sampled !== 0).values()
  await Promise.all(['one', 'other'].map(async (lane) => {
    const own = join(home, `${format}-${lane}`)
    cpSync(folder, own, { recursive: true })
    const inOwn = (path) => path === null ? null : join(own, basename(path))
    const reader = new ManyFiles(late)
    for (const place of rest) {
      turned(own, place)
      note(count.flips, await reader.read({ main: inOwn(main), weights: inOwn(weights) }), `${format} ${place.name} bit ${place.bit}`)
      back(own, place)
    }
    reader.stop()
  }))
  broken.push(...await service.check())
  console.log(format, JSON.stringify(count))
}

await service.close()
rmSync(home, { recursive: true })

const sum = (kind, outcome) => Object.values(counts).reduce((total, count) => total + count[kind][outcome], 0)
const said = (kind) => `${sum(kind, 'all')} files (${Object.entries(counts).map(([format, count]) => `${format} ${count[kind].all}`).join(', ')}): ${sum(kind, 'refused')} refused${sum(kind, 'circles') > 0 ? ` (${sum(kind, 'circles')} that sent HDF5 round in circles, after 3 s)` : ''}, ${sum(kind, 'loaded')} loaded, ${sum(kind, 'late')} not read within ${late} s, ${sum(kind, 'ended')} ended their reading process, ${sum(kind, 'crash')} crashes`
const stands = broken.length === 0 ? '; everything stands' : `; does not stand: ${[...new Set(broken)].join(', ')}`
const how = `node bench/reliability/fuzz-files.mjs ${process.argv.slice(2).join(' ')}`.trim()
const rows = [{ row: 1, fault: 'truncated files of each format, cut every 64 bytes', wanted: '422, 100 %, < 1 s each', got: `${said('cuts')}; the slowest ${Math.round(slow.cut)} ms${stands}`, held: sum('cuts', 'refused') === sum('cuts', 'all') && slow.cut < 1000 && broken.length === 0, how }]
if (sum('flips', 'all') > 0) {
  rows.push({ row: 2, fault: 'bit flips, the digest known: every bit of the superblock and seeded ones', wanted: '422 digest mismatch, 0 silent', got: `${said('digest')}${stands}`, held: sum('digest', 'refused') === sum('digest', 'all') && broken.length === 0, how })
  rows.push({ row: 3, fault: 'bit flips, no digest: every bit of the superblock and seeded ones', wanted: '422, or loads; 0 crashes, 0 hangs', got: `${said('flips')}${stands}`, held: sum('flips', 'crash') + sum('flips', 'late') === 0 && broken.length === 0, how })
}
rows.forEach(writeRow)
process.exit(rows.every(({ held }) => held) ? 0 : 1)

/** Every bit of the superblock of an HDF5 file, and seeded ones of all files. */
function placesIn (originals) {
  const next = random(Number(given.seed))
  const total = [...originals.values()].reduce((sum, { length }) => sum + length, 0)
  const hdf5 = [...originals].find(([name]) => name.endsWith('.h5'))
  const somewhere = () => {
    let bit = Math.floor(next() * total * 8)
    for (const [name, { length }] of originals) {
      if (bit < length * 8) return { name, bit }
      bit -= length * 8
    }
    throw new Error('no file is that long')
  }
  const first = hdf5 === undefined || given.flips === '0' ? 0 : superblock * 8
  return [...Array.from({ length: first }, (_, bit) => ({ name: hdf5[0], bit })), ...Array.from({ length: Number(given.flips) }, somewhere)]
}

function tally () {
  return { all: 0, refused: 0, circles: 0, loaded: 0, late: 0, ended: 0, crash: 0 }
}

function note (count, { outcome, message }, what) {
  count.all++
  count[outcome]++
  if (outcome === 'refused' && /did not come to an end/.test(message)) count.circles++
  if (outcome === 'crash' || outcome === 'late' || outcome === 'ended') console.log(`${what}: ${outcome}: ${message}`)
}
