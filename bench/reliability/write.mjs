// Renders docs/reliability.md from all results there are. Nothing in it is typed by hand.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { faults } from './table.mjs'

const results = join(import.meta.dirname, '..', 'results', 'reliability')

/** Writes the document. */
export function write () {
  const found = existsSync(results) ? readdirSync(results).filter((name) => name.endsWith('.json')).sort().map((name) => JSON.parse(readFileSync(join(results, name), 'utf8'))) : []
  writeFileSync(join(import.meta.dirname, '..', '..', 'docs', 'reliability.md'), page(found))
}

/**
 * The document as text. A result is `{ row, fault, wanted, got, held, how, when }`; one whose row is `28-reading` is a part of row 28, one that says `plant` has
 * planted a fault that must make its row fail.
 */
export function page (found) {
  const measured = faults.map(({ row, fault, wanted }) => {
    const parts = found.filter((one) => one.plant === undefined && Number.parseInt(one.row) === row)
    return { row, fault, wanted, parts, held: parts.length === 0 ? null : parts.every(({ held }) => held) }
  })
  const plants = found.filter(({ plant }) => plant !== undefined)
  const missing = measured.filter(({ held }) => held === null).map(({ row }) => row)
  const fallen = measured.filter(({ held }) => held === false).map(({ row }) => row)
  return [
    '# Reliability',
    '',
    'Written by `npm run reliability`; [bench/reliability/README.md](../bench/reliability/README.md) has the commands. After every row the service still has to stand: it lives, answers `/health/live` within 100 ms, ' +
      'gives a prediction of before to the last bit, holds no tensor more, and has left no file.',
    '',
    `${measured.filter(({ held }) => held === true).length} of ${faults.length} rows held; not held: ${words(fallen)}; not measured: ${words(missing)}.`,
    '',
    ...table(['', 'fault', 'must happen', 'measured', '', 'how', 'when'], measured.map(({ row, fault, wanted, parts, held }) => held === null
      ? [row, fault, wanted, 'not measured', '', '', '']
      : [row, all(parts, 'fault'), all(parts, 'wanted'), all(parts, 'got'), held ? 'held' : '**not held**', all(parts, 'how', (text) => `\`${text}\``), all(parts, 'when')])),
    '',
    '## Planted faults',
    '',
    'A check that cannot fail proves nothing: with a fault planted in a copy of the service, the row has to fail, and without it to hold. `npm run reliability -- self` plants them.',
    '',
    ...plants.length === 0
      ? ['Not measured.']
      : table(['row', 'planted', 'the same check without it', 'with it', '', 'when'], plants.map(({ row, plant, without, got, held, when }) => [Number.parseInt(row), plant, without, got, held ? 'found' : '**not found**', when])),
    ''
  ].join('\n')
}

const words = (rows) => rows.length === 0 ? 'none' : rows.join(', ')
const all = (parts, key, show = (text) => text) => [...new Set(parts.map((part) => show(part[key])))].join('; ')
const table = (columns, rows) => [line(columns), line(columns.map(() => '---')), ...rows.map(line)]
const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
