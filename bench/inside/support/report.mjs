// What every measurement gives, and how one is run alone.

import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

/** A target of the table: `wanted` and `got` are texts. */
export const target = (what, wanted, got, reached) => ({ what, wanted, got, reached })

/** A number with as many digits as it needs to be read. */
export function short (value) {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : size >= 1 ? value.toFixed(2) : value.toFixed(3)
}

/** The smallest of some findings `{ where, value }` against a bound: a target that all of them must reach. */
export function least (what, bound, found, unit = 'x') {
  const worst = found.reduce((a, b) => b.value < a.value ? b : a)
  const missed = found.filter(({ value }) => value < bound).length
  return target(what, `>= ${bound}${unit}`, `${short(worst.value)}${unit} (${worst.where})${missed === 0 ? '' : `; ${missed} of ${found.length} below`}`, missed === 0)
}

/** The same for the largest. */
export function most (what, bound, found, unit = 'x') {
  const worst = found.reduce((a, b) => b.value > a.value ? b : a)
  const missed = found.filter(({ value }) => value > bound).length
  return target(what, `<= ${bound}${unit}`, `${short(worst.value)}${unit} (${worst.where})${missed === 0 ? '' : `; ${missed} of ${found.length} above`}`, missed === 0)
}

export function print ({ title, notes, columns, rows, targets = [] }) {
  const texts = [columns, ...rows].map((row) => row.map((cell) => typeof cell === 'number' ? short(cell) : cell))
  const widths = columns.map((_, n) => Math.max(...texts.map((row) => row[n].length)))
  console.log(`${title}\n${cpus()[0].model}, ${availableParallelism()} cores, Node.js ${process.version}\n`)
  for (const row of texts) console.log(row.map((text, n) => n === 0 ? text.padEnd(widths[n]) : text.padStart(widths[n])).join('  '))
  console.log()
  for (const { what, wanted, got, reached } of targets) console.log(`${reached ? 'reached' : 'MISSED '}  ${what}: wanted ${wanted}, got ${got}`)
  for (const note of notes) console.log(`- ${note}`)
}

/** Runs a measurement where its file is the one that was started: `node bench/inside/kernel.mjs --rounds 3`. */
export async function alone (url, run) {
  if (process.argv[1] !== fileURLToPath(url)) return
  const options = {}
  for (let n = 2; n < process.argv.length; n += 2) options[process.argv[n].replace(/^--/, '')] = Number(process.argv[n + 1])
  print(await run(options))
  process.exit()
}
