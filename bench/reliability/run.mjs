// npm run reliability [-- 21 30 self]: runs the scripts of all rows, or of those named, one after the other, and writes docs/reliability.md.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { faults, rowsOf } from './table.mjs'
import { write } from './write.mjs'

const asked = process.argv.slice(2)
const odd = asked.find((word) => word !== 'self' && word !== 'write' && !faults.some(({ row }) => String(row) === word))
if (odd !== undefined) {
  console.error(`there is no row ${odd}: name rows from 1 to ${faults.length}, self for the planted faults, or write to write the document alone`)
  process.exit(1)
}
const here = import.meta.dirname
const scripts = readdirSync(here).filter((name) => name.endsWith('.mjs')).map((name) => [name, rowsOf(readFileSync(join(here, name), 'utf8'))])
const wanted = scripts.filter(([, rows]) => rows.length > 0 && (asked.length === 0 || rows.some((row) => asked.includes(String(row)))))
if (asked.length === 0 || asked.includes('self')) wanted.push(['self.mjs'])

let failed = 0
for (const [name] of wanted) {
  console.log(`\n${name}`)
  const { status } = spawnSync(process.execPath, [join(here, name)], { cwd: join(here, '..', '..'), stdio: 'inherit' })
  if (status !== 0) failed++
}
write()
if (failed > 0) process.exitCode = 1
