// Renders docs/benchmarks.md from all results there are. Nothing in it is typed by hand.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { short } from './http/compare.mjs'

const results = join(import.meta.dirname, 'results')

/** Writes the document; `order` are the names of the parts, in the order of their sections. */
export function write (order) {
  const found = new Map(readdirSync(results).filter((name) => name.endsWith('.json')).map((name) =>
    [basename(name, '.json'), JSON.parse(readFileSync(join(results, name), 'utf8'))]))
  const parts = order.filter((name) => found.has(name)).map((name) => found.get(name))
  const docs = join(import.meta.dirname, '..', 'docs')
  mkdirSync(docs, { recursive: true })
  writeFileSync(join(docs, 'benchmarks.md'), `${page(parts).join('\n').replace(/\n{3,}/g, '\n\n')}\n`)
}

const page = (parts) => [
  '# Benchmarks',
  '',
  'Written by `npm run bench`; [bench/README.md](../bench/README.md) has the commands. The ratios are the result, round by round in one run: the median, and the least and the most in brackets. Rates go with the machine.',
  '',
  ...machines(parts),
  '',
  ...targetsOf(parts),
  '',
  '## Who takes part',
  '',
  'Every server runs on the machine of the client, with the client. An answer is compared with the service\'s own, number by number, before its server is timed: "differs by" is the largest |a - b| / max(1, |b|).',
  '',
  '- rival 1, what people write first: FastAPI, Keras `predict` and `tolist`; gates by a NumPy loop.',
  '- rival 2, the best tuned by hand: FastAPI with uvloop and httptools, a `tf.function` around TensorFlow\'s fused BlockLSTMV2, orjson on NumPy arrays. Where no fused op exists (GRU, masks), a loop compiled by XLA.',
  '- rival 3: tfjs-layers on tfjs-node under Fastify, `JSON.stringify` of arrays; gates op by op. It cannot read a default GRU.',
  '- rival 4: LitServe with the same Keras model as a `tf.function`. It gives no gates.',
  '- ceiling: an empty Fastify server with bodies of the same sizes in and out. It reads nothing and computes nothing.',
  '',
  'The latencies are of all requests of all rounds. "server CPU" and "client CPU" are milliseconds of processor time a request, of all threads and processes.',
  '',
  ...parts.flatMap(section)
]

/** Parts may have been run one at a time, and so on different machines and at different commits: each, and which parts it measured. */
function machines (parts) {
  const groups = grouped(parts, ({ machine }) => JSON.stringify(machine))
  const days = grouped(parts, ({ when }) => when)
  const which = (all, measured) => all.size === 1 ? '' : `: ${measured.map(({ title }) => title).join('; ')}`
  return [
    ...[...groups].map(([key, measured]) => {
      const { cpu, versions, rivals } = JSON.parse(key)
      return `- ${cpu}. ${versions}. Rivals: ${rivals}${which(groups, measured)}.`
    }),
    ...[...days].map(([when, measured]) => `- ${when}${which(days, measured)}.`)
  ]
}

function grouped (list, keyOf) {
  const groups = new Map()
  for (const one of list) groups.set(keyOf(one), [...groups.get(keyOf(one)) ?? [], one])
  return groups
}

function targetsOf (parts) {
  const all = parts.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })))
  if (all.length === 0) return []
  const missed = all.filter(({ reached }) => !reached).length
  return [
    '## Targets',
    '',
    missed === 0 ? `All ${all.length} are reached.` : `${all.length - missed} of ${all.length} are reached.`,
    '',
    ...table(['target', 'wanted', 'got', ''], all.map(({ title, what, wanted, got, reached }) => [`${title}: ${what}`, wanted, got, reached ? 'reached' : '**not reached**']))
  ]
}

const section = ({ title, notes, columns, rows }) => [`## ${title}`, '', ...notes.flatMap((note) => [note, '']), ...table(columns, rows), '']

const table = (columns, rows) => [line(columns), line(columns.map(() => '---')), ...rows.map(line)]
const line = (cells) => `| ${cells.map((cell) => typeof cell === 'number' ? short(cell) : String(cell).replaceAll('|', '\\|')).join(' | ')} |`
