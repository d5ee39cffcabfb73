import Papa from 'papaparse'
import { count, listed, Unreadable, type Reading, type Takes } from './reading.ts'

/** How a CSV is read; what is left out is found out, and said. */
export interface CsvChoices {
  readonly delimiter?: ',' | ';' | '\t'
  readonly decimal?: '.' | ','
  /** Whether the first row holds names. */
  readonly header?: boolean
  /** The columns that are the model's features, in its order, by their places. */
  readonly columns?: readonly number[]
  /** The column whose value says which sequence a row belongs to; null: none does. */
  readonly sequence?: number | null
  /** What becomes of a sequence that is longer than the model reads. */
  readonly windows?: 'every' | 'apart' | 'last'
}

/** A CSV as it was read, with every choice that was made: what a form can show and change. */
export interface CsvReading extends Reading {
  readonly choices: Required<CsvChoices>
  /** Names of the columns, as the header has them or by their number. */
  readonly columns: readonly string[]
}

/** A failure that keeps what was found out, so that the reader can choose otherwise. */
export class CsvUnreadable extends Unreadable {
  readonly columns: readonly string[]
  readonly choices: CsvChoices

  constructor (message: string, columns: readonly string[], choices: CsvChoices) {
    super(message)
    this.columns = columns
    this.choices = choices
  }
}

const numeral = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const isNumber = (cell: string, decimal: string): boolean => numeral.test(decimal === ',' ? withPoint(cell) : cell)
/** A decimal comma as a point; a point stays wrong there, as it may stand between thousands. */
const withPoint = (cell: string): string => cell.includes('.') ? 'no number' : cell.replace(',', '.')

/** What programs write where a number is missing: no name of a column. */
const missing = /^[+-]?(nan|na|n\/a|null|none|inf|infinity|#.*|\?|-|\.)$/i

/** Names of a column that says which sequence a row is of. */
const sequenceNames = /^(sequence|sequence[ _-]?id|seq|seq[ _-]?id|series|series[ _-]?id|batch|id)$/i

/**
 * Inputs of a table: a row is a step, a column a feature (for token ids: the one column of ids). Nothing is filled in, left out or rounded without being said or refused.
 * Throws CsvUnreadable with the place, rows counted from 1 as a spreadsheet does.
 */
export function readCsv (text: string, model: Takes, wish: CsvChoices = {}): CsvReading {
  const fail = (message: string, columns: readonly string[] = [], choices: CsvChoices = wish): never => { throw new CsvUnreadable(message, columns, choices) }
  const { width, steps, ids } = sizesOf(model) ?? fail(`A CSV can be given to a model of one input of numbers, [batch, step, feature], or of token ids, [batch, step]; ${model.id} takes something else. Give it as JSON or npz.`)
  const delimiter = wish.delimiter ?? delimiterOf(text)
  const cells = tableOf(text, delimiter, fail)
  const decimal = wish.decimal ?? decimalOf(cells, delimiter)
  const header = wish.header ?? (cells[0].every((cell) => !isNumber(cell, decimal) && !missing.test(cell)) && cells[0].some((cell) => cell !== ''))
  const columns = cells[0].map((cell, n) => header && cell !== '' ? cell : `column ${n + 1}`)
  const twice = header ? cells[0].find((cell, n) => cell !== '' && cells[0].indexOf(cell) !== n) : undefined
  const found = { delimiter, decimal, header }
  if (twice !== undefined && wish.columns === undefined && model.features?.includes(twice) === true) fail(`Two columns are called ${twice}. Choose which one is meant.`, columns, found)
  const sequence = wish.sequence !== undefined ? wish.sequence : sequenceColumn(columns, header, width, model)
  const used = wish.columns ?? columnsFor(columns, header, sequence, width, model) ?? fail(
    `The model reads ${count(width ?? 0, 'number')} a step${model.features === undefined ? '' : ` (${listed(model.features)})`}, and the file has ${count(columns.length, 'column')}${sequence === null ? '' : ` with the one of the sequences, ${columns[sequence]}`}${header ? ` (${listed(columns)})` : ''}. ${columns.length - (sequence === null ? 0 : 1) < (width ?? 0) ? 'That is too few.' : "Choose the columns, in the model's order."}`, columns, { ...found, sequence })
  const wrong = used.findIndex((column, n) => columns[column] === undefined || used.indexOf(column) !== n)
  if (wrong >= 0) fail(columns[used[wrong]] === undefined ? 'Choose a column for every number that the model reads.' : `The column ${columns[used[wrong]]} is chosen twice.`, columns, { ...found, sequence, columns: used })
  if (width !== null && used.length !== width) fail(`The model reads ${count(width, 'number')} a step, and ${count(used.length, 'column')} ${used.length === 1 ? 'is' : 'are'} chosen.`, columns, { ...found, sequence, columns: used })
  const choices = { ...found, sequence, columns: used, windows: wish.windows ?? 'every' as const }

  const rows = cells.slice(header ? 1 : 0).map((row, n) => ({ row, number: n + (header ? 2 : 1) }))
  if (rows.length === 0) fail('There is no row of numbers in it.', columns, choices)
  const numbers = rows.map(({ row, number }) => used.map((column) => {
    const cell = row[column]
    const value = Number(decimal === ',' ? withPoint(cell) : cell)
    const place = `Row ${number}, ${header ? `column "${columns[column]}"` : columns[column]}`
    if (cell === '') fail(`${place} is empty. Nothing is filled in: put a number there, or take the row out.`, columns, choices)
    if (!isNumber(cell, decimal)) fail(`${place}: "${cell}" is not a number${decimal === ',' ? ' with a decimal comma' : /^[+-]?\d+,\d+$/.test(cell) ? ' with a decimal point; if its comma is the decimal mark, choose so' : ''}.${number === 1 ? ' If row 1 holds names, choose so.' : ''}`, columns, choices)
    if (!Number.isFinite(value)) fail(`${place}: ${cell} is too large.`, columns, choices)
    return value
  }))
  const runs = sequence === null ? [{ name: '', from: 0, to: rows.length }] : runsOf(rows.map(({ row }) => row[sequence]), (n) => rows[n].number, (message) => fail(message, columns, choices))
  const { windows, words } = windowsOf(runs, steps, choices.windows, (n) => rows[n].number, (message) => fail(message, columns, choices))
  return {
    inputs: windows.map(([from, to]) => numbers.slice(from, to).map((row) => ids ? row[0] : row)),
    said: [readAs(choices, columns), ...words],
    choices,
    columns
  }
}

/** What one input takes of a table: its number of columns and of steps, null where it takes any. Null for a model that no table fits. */
function sizesOf ({ inputs }: Takes): { width: number | null, steps: number | null, ids: boolean } | null {
  const [{ shape, tokens }] = inputs
  if (inputs.length !== 1) return null
  if (shape.length === 3) return { width: shape[2], steps: shape[1], ids: false }
  return shape.length === 2 && tokens !== undefined ? { width: 1, steps: shape[1], ids: true } : null
}

/** The sign between cells, by the first row that has one of them. */
function delimiterOf (text: string): ',' | ';' | '\t' {
  return ([';', '\t', ','] as const).find((sign) => Papa.parse<string[]>(text, { delimiter: sign, preview: 1 }).data[0]?.length > 1) ?? ','
}

function tableOf (text: string, delimiter: string, fail: (message: string) => never): string[][] {
  const { data, errors } = Papa.parse<string[]>(text.replace(/^\ufeff/, ''), { delimiter })
  if (errors.length > 0) fail(`Row ${(errors[0].row ?? 0) + 1}: ${errors[0].message}.`)
  const rows = data.map((row) => row.map((cell) => cell.trim()))
  const blank = (row: readonly string[]): boolean => row.length === 1 && row[0] === ''
  while (rows.length > 0 && blank(rows[rows.length - 1])) rows.pop()
  if (rows.length === 0) fail('There is nothing in it.')
  const empty = rows.findIndex(blank)
  if (empty >= 0 && rows[0].length > 1) fail(`Row ${empty + 1} is empty. Take it out, or number the sequences in a column of their own.`)
  const other = rows.findIndex((row) => row.length !== rows[0].length)
  if (other >= 0) fail(`Row ${other + 1} has ${count(rows[other].length, 'cell')}, and row 1 has ${rows[0].length}.${delimiter === ',' ? ' If a comma is the decimal mark, put semicolons between the cells.' : ''}`)
  return rows
}

/** A comma where cells have one between digits and none has a point; a file cut at commas has none left but in quotes. */
function decimalOf (cells: readonly string[][], delimiter: string): '.' | ',' {
  const all = cells.flat()
  if (delimiter === ',' && !all.some((cell) => /^[+-]?\d+,\d+$/.test(cell))) return '.'
  return all.some((cell) => /^[+-]?\d*,\d+([eE][+-]?\d+)?$/.test(cell)) && !all.some((cell) => /^[+-]?\d*\.\d+([eE][+-]?\d+)?$/.test(cell)) ? ',' : '.'
}

function sequenceColumn (columns: readonly string[], header: boolean, width: number | null, { features }: Takes): number | null {
  const place = columns.findIndex((name) => sequenceNames.test(name) && features?.includes(name) !== true)
  return header && place >= 0 && columns.length > (width ?? 1) ? place : null
}

/** The columns by the names of the model's features, else all that are left where they are as many as it reads; null where nobody can tell. */
function columnsFor (columns: readonly string[], header: boolean, sequence: number | null, width: number | null, { features }: Takes): number[] | null {
  if (header && features !== undefined && features.length === width && features.every((name) => columns.includes(name))) return features.map((name) => columns.indexOf(name))
  const rest = columns.map((_, n) => n).filter((n) => n !== sequence)
  return width === null || rest.length === width ? rest : null
}

interface Run { readonly name: string, readonly from: number, readonly to: number }

/** Rows that follow one another with the same value. */
function runsOf (values: readonly string[], number: (row: number) => number, fail: (message: string) => never): Run[] {
  const runs: { name: string, from: number, to: number }[] = []
  for (const [n, name] of values.entries()) {
    const last = runs.at(-1)
    if (name === '') fail(`Row ${number(n)} does not say which sequence it belongs to.`)
    if (last?.name === name) last.to = n + 1
    else if (runs.some((run) => run.name === name)) fail(`Row ${number(n)} belongs to the sequence ${name} again, after rows of another. Put the rows of a sequence together.`)
    else runs.push({ name, from: n, to: n + 1 })
  }
  return runs
}

/** Sequences of the model's own number of steps; of one number, where it reads any. With what was done, in sentences. */
function windowsOf (runs: readonly Run[], steps: number | null, how: Required<CsvChoices>['windows'], number: (row: number) => number, fail: (message: string) => never): { windows: [number, number][], words: string[] } {
  const whose = ({ name, from, to }: Run): string => name === '' ? 'The file' : `The sequence ${name} (rows ${number(from)} to ${number(to - 1)})`
  if (steps === null) {
    const length = runs[0].to - runs[0].from
    const other = runs.find(({ from, to }) => to - from !== length)
    if (other !== undefined) fail(`${whose(other)} has ${count(other.to - other.from, 'row')}, ${runs[0].name} has ${length}. The sequences of one request are of one length, and nothing is padded.`)
    return { windows: runs.map(({ from, to }) => [from, to]), words: [runs.length === 1 ? `All ${count(length, 'row')} are one sequence.` : `${runs.length} sequences of ${count(length, 'row')} each.`] }
  }
  const short = runs.find(({ from, to }) => to - from < steps)
  if (short !== undefined) fail(`${whose(short)} has ${count(short.to - short.from, 'row')}, and the model reads ${count(steps, 'step')}. That is too few, and nothing is padded.`)
  const windows: [number, number][] = []
  let left = 0
  for (const { from, to } of runs) {
    const step = how === 'apart' ? steps : 1
    const first = how === 'last' ? to - steps : from
    for (let at = first; at + steps <= to; at += step) windows.push([at, at + steps])
    left += how === 'last' ? first - from : how === 'apart' ? (to - from) % steps : 0
  }
  const total = runs.reduce((sum, { from, to }) => sum + to - from, 0)
  if (windows.length === runs.length && total === windows.length * steps) return { windows, words: [`${count(runs.length, 'sequence')} of ${count(steps, 'row')}${runs.length === 1 ? '' : ' each'}, as the model reads.`] }
  const ways = { every: `every window of ${steps} rows, each one row further than the last`, apart: `windows of ${steps} rows, side by side`, last: `the last ${steps} rows of each sequence` }
  return { windows, words: [`The model reads ${steps} rows at a time. ${total} rows became ${count(windows.length, 'sequence')}: ${ways[how]}.${left === 0 ? '' : ` ${count(left, 'row')} ${left === 1 ? 'is' : 'are'} in none of them.`}`] }
}

const signs = { ',': 'commas', ';': 'semicolons', '\t': 'tabs' } as const

function readAs ({ delimiter, decimal, header, columns: used, sequence }: Required<CsvChoices>, columns: readonly string[]): string {
  const unused = columns.filter((_, n) => !used.includes(n) && n !== sequence)
  return `Read with ${signs[delimiter]} between cells, a decimal ${decimal === ',' ? 'comma' : 'point'}, ${header ? 'names in row 1' : 'no row of names'}; columns ${listed(used.map((n) => columns[n]))}${sequence === null ? '' : `, sequences by ${columns[sequence]}`}.` +
    (unused.length === 0 ? '' : ` Not used: ${listed(unused)}.`)
}
