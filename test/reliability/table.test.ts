import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'

interface Result { row: number | string, fault?: string, wanted?: string, got: string, held: boolean, how?: string, when: string, plant?: string, without?: string }
const folder = new URL('../../../bench/reliability/', import.meta.url)
const load = async (name: string): Promise<Record<string, unknown>> => await import(new URL(name, folder).href)
const { page } = await load('write.mjs') as { page: (found: Result[]) => string }
const { faults, rowsOf } = await load('table.mjs') as { faults: { row: number }[], rowsOf: (source: string) => number[] }

const result = (row: number | string, held: boolean, more: Partial<Result> = {}): Result => ({ row, fault: 'some | fault', wanted: 'w', got: `figure of ${row}`, held, how: 'node x.mjs', when: 'today', ...more })
const lines = (text: string): Map<number, string> => new Map([...text.split('## Planted')[0].matchAll(/^\| (\d+) \|.*$/gm)].map(([line, row]) => [Number(row), line]))

t.test('every row of the table stands in the document, once and in order, measured or not', async (t) => {
  t.same(faults.map(({ row }) => row), Array.from({ length: 32 }, (_, n) => n + 1))
  for (const text of [page([]), page([result(3, true), result(9, false)]), readFileSync(new URL('../../../docs/reliability.md', import.meta.url), 'utf8')]) {
    t.same([...text.split('## Planted')[0].matchAll(/^\| (\d+) \|/gm)].map(([, row]) => Number(row)), faults.map(({ row }) => row))
  }
})

t.test('a row is held where all that was measured of it is, and not measured without a figure', async (t) => {
  const text = page([result(3, true), result(9, false), result(28, true), result('28-reading', false), result(2, false, { plant: 'a leak', without: 'held' })])
  const rows = lines(text)
  t.match(rows.get(3), /some \\\| fault \| w \| figure of 3 \| held \| `node x\.mjs` \| today \|$/)
  t.match(rows.get(9), /\*\*not held\*\*/)
  t.match(rows.get(28), /figure of 28; figure of 28-reading \| \*\*not held\*\*/)
  t.match(rows.get(2), /not measured/, 'a planted fault is no measurement of its row')
  t.match(text, /^1 of 32 rows held; not held: 9, 28; not measured: 1, 2, 4, /m)
  t.match(text, /^\| 2 \| a leak \| held \| figure of 2 \| \*\*not found\*\* \| today \|$/m)
  t.match(page(faults.map(({ row }) => result(row, true))), /^32 of 32 rows held; not held: none; not measured: none\.$/m)
})

t.test('the document says of each row what its words say together', async (t) => {
  const text = readFileSync(new URL('../../../docs/reliability.md', import.meta.url), 'utf8')
  const rows = lines(text)
  const [, held, fallen, missing] = /^(\d+) of 32 rows held; not held: (.*); not measured: (.*)\.$/m.exec(text)!
  const list = (words: string): number[] => words === 'none' ? [] : words.split(', ').map(Number)
  for (const { row } of faults) {
    const line = rows.get(row)!
    t.equal(line.includes('| **not held** |'), list(fallen).includes(row), `row ${row}`)
    t.equal(line.includes('| not measured |'), list(missing).includes(row), `row ${row}`)
  }
  t.equal(Number(held) + list(fallen).length + list(missing).length, 32)
})

t.test('a script says which rows it measures', async (t) => {
  t.same(rowsOf('// Row 32: tokens'), [32])
  t.same(rowsOf('// Rows 1 to 3: files'), [1, 2, 3])
  t.same(rowsOf('// Rows 4 to 6, 9 and 28: files'), [4, 5, 6, 9, 28])
  t.same(rowsOf('// What holds after every row'), [])
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.mjs'))) {
    const source = readFileSync(new URL(name, folder), 'utf8')
    t.equal(rowsOf(source).length > 0, /^import \{.*\bwriteRow\b/m.test(source), `${name} writes rows, and says so in its first line`)
  }
})
