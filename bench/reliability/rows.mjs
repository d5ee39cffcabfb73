// One file a row of the table of faults, as docs/reliability.md is written from.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { when } from '../machine.mjs'

const folder = join(import.meta.dirname, '..', 'results', 'reliability')

/** Writes a row: `{ row, fault, wanted, got, held, how }`, and says it. */
export function writeRow (row) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${row.row}.json`), `${JSON.stringify({ ...row, when: when() }, null, 2)}\n`)
  console.log(`row ${row.row} ${row.held ? 'held' : 'NOT HELD'}: ${row.got}`)
}
