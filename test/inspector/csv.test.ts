import fc from 'fast-check'
import t from 'tap'
import { CsvUnreadable, readCsv, type CsvChoices } from '../../src/inspector/input/csv.ts'
import type { Takes } from '../../src/inspector/input/reading.ts'

const features = ['rain', 'wind']
const model = (steps: number | null, more: Partial<Takes> = {}): Takes => ({ id: 'm', version: 1, features, inputs: [{ name: 'x', shape: [null, steps, 2], dtype: 'float32' }], ...more })
const ids: Takes = { id: 'ids', version: 1, inputs: [{ name: 'ids', shape: [null, null], dtype: 'int32', tokens: 9 }] }
const message = (text: string, of: Takes = model(null), choices?: CsvChoices): string => {
  try {
    return `read: ${JSON.stringify(readCsv(text, of, choices).inputs)}`
  } catch (error) {
    if (error instanceof CsvUnreadable) return error.message
    throw error
  }
}

t.test('a table is read as it stands, and it is said how', async (t) => {
  const plain = readCsv('rain,wind\n1,2\n3.5,-4e-1\n', model(null))
  t.same(plain.inputs, [[[1, 2], [3.5, -0.4]]])
  t.same(plain.said, ['Read with commas between cells, a decimal point, names in row 1; columns rain, wind.', 'All 2 rows are one sequence.'])
  t.same(readCsv('\ufeff1\t2\r\n3\t4\r\n\r\n', model(2)).inputs, [[[1, 2], [3, 4]]], 'tabs, CRLF, no header, a byte order mark')
  t.same(readCsv('day;wind;rain\n1;0,5;7\n2;,25;8', model(null)).inputs, [[[7, 0.5], [8, 0.25]]], 'semicolons, decimal commas, columns by their names')
  t.match(readCsv('day;wind;rain\n1;0,5;7\n2;,25;8', model(null)).said[0], /decimal comma.*columns rain, wind. Not used: day/)
  t.same(readCsv('"1,5","2,5"\n"3,5","4,5"', model(null)).inputs, [[[1.5, 2.5], [3.5, 4.5]]], 'quoted decimal commas')
  t.same(readCsv('id\n3\n1\n2', ids).inputs, [[3, 1, 2]], 'token ids, a column')
})

t.test('sequences by a column, and windows of what the model reads', async (t) => {
  const numbered = 'seq,rain,wind\na,1,2\na,3,4\nb,5,6\nb,7,8'
  t.same(readCsv(numbered, model(null)).inputs, [[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
  t.same(readCsv(numbered, model(2)).inputs, [[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
  t.match(message('seq,rain,wind\na,1,2\nb,5,6\na,3,4'), /^Row 4 belongs to the sequence a again/)
  t.match(message('seq,rain,wind\na,1,2\nb,5,6\nb,3,4'), /^The sequence b \(rows 3 to 4\) has 2 rows, a has 1.* nothing is padded/)
  const five = 'rain,wind\n1,1\n2,2\n3,3\n4,4\n5,5'
  const windows = (how?: CsvChoices['windows']): [number[], string] => {
    const { inputs, said } = readCsv(five, model(2), { windows: how })
    return [(inputs as number[][][]).map(([[first]]) => first), said[1]]
  }
  t.same(windows(), [[1, 2, 3, 4], 'The model reads 2 rows at a time. 5 rows became 4 sequences: every window of 2 rows, each one row further than the last.'])
  t.same(windows('apart'), [[1, 3], 'The model reads 2 rows at a time. 5 rows became 2 sequences: windows of 2 rows, side by side. 1 row is in none of them.'])
  t.same(windows('last'), [[4], 'The model reads 2 rows at a time. 5 rows became 1 sequence: the last 2 rows of each sequence. 3 rows are in none of them.'])
  t.match(message('rain,wind\n1,1', model(2)), /^The file has 1 row, and the model reads 2 steps. That is too few, and nothing is padded/)
})

t.test('what is missing or wrong is refused with its place', async (t) => {
  t.match(message('rain,wind\n1,2\n3,\n'), /^Row 3, column "wind" is empty/)
  for (const cell of ['NaN', 'NA', 'abc', '1e', '0x10', '1 2', 'Infinity', '1.2.3', '--1', '1_000']) t.match(message(`rain,wind\n1,${cell}`), new RegExp(`^Row 2, column "wind": "${cell}" is not a number`), cell)
  t.match(message('rain,wind\n1,1e999'), /^Row 2, column "wind": 1e999 is too large/)
  t.match(message('1,2\n3,4\n5,x'), /^Row 3, column 2: "x" is not a number/, 'rows counted without a header too')
  t.match(message('1,x\n3,4'), /^Row 1, column 2: "x" .* If row 1 holds names, choose so/, 'a slip in row 1 does not make it a header')
  t.match(message('NaN,NA\n3,4'), /^Row 1, column 1: "NaN" is not a number/, 'missing numbers are no names')
  t.match(message('rain,wind\n1,2,3'), /^Row 2 has 3 cells, and row 1 has 2/)
  t.match(message('rain,wind\n1,2\n\n3,4'), /^Row 3 is empty/)
  t.match(message('rain;wind\n1,5;2.5'), /^Row 2, column "rain": "1,5" is not a number with a decimal point; if its comma/)
  t.match(message('rain;wind\n1.000,5;2'), /is not a number/)
  t.match(message('a,b,c\n1,2,3'), /reads 2 numbers a step \(rain, wind\), and the file has 3 columns \(a, b, c\). Choose the columns/)
  t.match(message('a\n1'), /That is too few/)
  t.match(message('rain,rain,wind\n1,2,3'), /^Two columns are called rain/)
  t.match(message('a,b,c\n1,2,3', model(null), { columns: [2, -1] }), /^Choose a column for every number/)
  t.match(message('a,b,c\n1,2,3', model(null), { columns: [2, 2] }), /c is chosen twice/)
  t.equal(message('a,b,c\n1,2,3', model(null), { columns: [2, 0] }), 'read: [[[3,1]]]')
  for (const nothing of ['', '\n', 'rain,wind\n']) t.match(message(nothing), /nothing in it|no row of numbers|too few/)
  t.match(message('1,2', { ...model(null), inputs: [...model(null).inputs, ...model(null).inputs] }), /Give it as JSON or npz/)
})

t.test('any table of numbers comes back as it was written, whatever stands between its cells', async () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true })
  fc.assert(fc.property(fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 12 }), fc.constantFrom(',', ';', '\t'), fc.boolean(), fc.boolean(), fc.constantFrom('\n', '\r\n'), (rows, sign, comma, header, end) => {
    const word = (value: number): string => {
      const text = comma ? String(value).replace('.', ',') : String(value)
      return text.includes(sign) ? `"${text}"` : text
    }
    const text = [...header ? [['rain', 'wind'].join(sign)] : [], ...rows.map((row) => row.map(word).join(sign))].join(end)
    const { inputs } = readCsv(text, model(null), { delimiter: sign as ',', ...comma ? { decimal: ',' } : {} })
    return JSON.stringify(inputs) === JSON.stringify([rows])
  }), { numRuns: 300 })
})

t.test('no row is lost in windows, and none is made up', async () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 9 }), fc.constantFrom('every', 'apart', 'last'), (rows, steps, how) => {
    const text = Array.from({ length: rows }, (_, n) => `${n},0`).join('\n')
    if (rows < steps) return /too few/.test(message(text, model(steps)))
    const found = readCsv(text, model(steps), { windows: how as 'every' }).inputs as number[][][]
    const starts = found.map(([[first]]) => first)
    const whole = found.every((window) => window.length === steps && window.every(([value], n) => value === window[0][0] + n))
    const expected = how === 'every' ? rows - steps + 1 : how === 'apart' ? Math.floor(rows / steps) : 1
    return whole && new Set(starts).size === expected && starts.length === expected && (how === 'apart' || starts.at(-1) === rows - steps)
  }), { numRuns: 200 })
})
