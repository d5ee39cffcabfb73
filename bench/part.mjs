// node bench/part.mjs FILE OPTIONS: runs one part of the bench, and keeps what it found in bench/results.

import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { machine, when } from './machine.mjs'

const [file, options] = process.argv.slice(2)
const part = await import(pathToFileURL(file).href)
const started = Date.now()
const found = await part.run(JSON.parse(options))
const folder = join(import.meta.dirname, 'results')
mkdirSync(folder, { recursive: true })
const result = { ...found, machine: machine(), when: when(), minutes: (Date.now() - started) / 60_000 }
writeFileSync(join(folder, `${basename(file, '.mjs')}.json`), JSON.stringify(result, null, 1))
process.exit(0)
