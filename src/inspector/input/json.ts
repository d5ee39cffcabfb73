import { isKind, nested, numbersOf } from './arrays.ts'
import { listed, Unreadable, type Reading, type Takes } from './reading.ts'

type Members = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Members of a body that choose what is asked, not what is given: the page chooses them itself. */
const chosen = ['model', 'version', 'inputs', 'raw', 'id']

/**
 * Inputs of a JSON text: the `inputs` of a request, a whole body as GET /models/:id/sample gives it, or lines of NDJSON, a sequence each. What the lists hold the service checks.
 * Throws Unreadable.
 */
export function readJson (text: string, model: Takes, lines = false): Reading {
  const whole = lines ? undefined : parsed(text)
  // A request that says nothing of `raw` gives what the model itself takes.
  if (whole !== undefined) return isBody(whole, model) ? { raw: false, ...readBody(whole, model) } : { inputs: plain(whole, model), said: [] }
  const rows = text.split(/\r?\n/).map((line, n) => [line, n + 1] as const).filter(([line]) => line.trim() !== '')
  if (rows.length === 0) throw new Unreadable('There is nothing in it.')
  if (!lines && rows.length === 1) throw new Unreadable(`This is not JSON: ${reason(text)}`)
  return readLines(rows, model)
}

function parsed (text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** What JSON.parse says is wrong. */
function reason (text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    return `${(error as Error).message}.${/\b(NaN|Infinity)\b/.test(text) ? ' JSON has no NaN and no Infinity, and the model reads finite numbers only.' : ''}`
  }
}

const isBody = (value: unknown, { inputs }: Takes): value is Members => isObject(value) && 'inputs' in value && !(inputs.some(({ name }) => name === 'inputs') && Object.keys(value).length === inputs.length)

function readBody (body: Members, model: Takes, where = ''): Reading {
  if (body.model !== undefined && body.model !== model.id) throw new Unreadable(`${where}This request is for the model ${JSON.stringify(body.model)}; the page shows ${JSON.stringify(model.id)}. Choose that model first.`)
  if (body.version !== undefined && body.version !== model.version) throw new Unreadable(`${where}This request is for version ${JSON.stringify(body.version)}; the page shows version ${model.version}.`)
  if (body.initialState !== undefined || body.intervene !== undefined) throw new Unreadable(`${where}This request has ${body.initialState === undefined ? 'intervene' : 'initialState'}. Here every sequence is read as it is, from zeros: take it out, or send the request to the service itself.`)
  if (body.raw !== undefined && typeof body.raw !== 'boolean') throw new Unreadable(`${where}raw is true or false, not ${JSON.stringify(body.raw)}.`)
  const others = Object.keys(body).filter((name) => !chosen.includes(name))
  return {
    inputs: plain(body.inputs, model),
    ...typeof body.raw === 'boolean' ? { raw: body.raw } : {},
    said: others.length === 0 ? [] : [`Of the request its inputs are taken; ${listed(others)}: choose that in the views.`]
  }
}

/** Arrays given by shape and data, and one-hot ids, as the nested lists that they stand for: what is given shall be seen. What is wrong in them is left for the service to refuse. */
function plain (value: unknown, { inputs, text }: Takes): unknown {
  const one = (given: unknown, shape: readonly (number | null)[], name: string): unknown => {
    if (!isObject(given)) return given
    if (Array.isArray(given.oneHot)) return hot(given, shape.at(-1) ?? text?.alphabet.length)
    return 'shape' in given ? typed(given, name) : given
  }
  const byName = isObject(value) && inputs.every(({ name }) => name in value) && Object.keys(value).length === inputs.length
  if (byName) return Object.fromEntries(inputs.map(({ name, shape }) => [name, one(value[name], shape, name)]))
  return inputs.length === 1 ? one(value, inputs[0].shape, inputs[0].name) : value
}

function hot (given: Members, depth: number | null | undefined): unknown {
  const ids = (given.oneHot as unknown[]).flat(Infinity)
  if (typeof depth !== 'number' || Object.keys(given).length !== 1 || !ids.every((id) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < depth)) return given
  const row = (id: unknown): unknown => Array.isArray(id) ? id.map(row) : Array.from({ length: depth }, (_, n) => n === id ? 1 : 0)
  return row(given.oneHot)
}

const words: Readonly<Record<string, string>> = { float16: 'f2', float32: 'f4', float64: 'f8', uint8: 'u1', int32: 'i4', int64: 'i8' }

function typed (given: Members, name: string): unknown {
  const { shape, dtype = 'float32', order = 'C', data } = given
  const kind = words[String(dtype)] ?? ''
  const sizes = Array.isArray(shape) && shape.every((size) => Number.isInteger(size) && size > 0) ? shape as number[] : null
  if (sizes === null || !isKind(kind) || (order !== 'C' && order !== 'F')) return given
  if (Array.isArray(data)) return data.length === sizes.reduce((a, b) => a * b, 1) && data.every((value) => typeof value === 'number') ? nested({ shape: sizes, order, data }, name) : given
  if (typeof data !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(data) || data.length % 4 !== 0) return given
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0))
  return nested({ shape: sizes, order, data: numbersOf(bytes, kind, true, sizes, name) }, name)
}

function readLines (rows: readonly (readonly [line: string, number: number])[], model: Takes): Reading {
  const readings = rows.map(([line, number]) => {
    const value = parsed(line)
    if (value === undefined) throw new Unreadable(`Line ${number} is not JSON: ${reason(line)}`)
    if (!isBody(value, model)) throw new Unreadable(`Line ${number} has no "inputs": in NDJSON each line is {"inputs": ...}, one sequence.`)
    return readBody(value, model, `Line ${number}: `)
  })
  const raws = new Set(readings.map(({ raw }) => raw))
  if (raws.size > 1) throw new Unreadable('Some lines say "raw": true and others do not: all sequences of the page are in the same units.')
  const [raw] = raws
  return {
    inputs: joined(readings.map(({ inputs }) => inputs), rows.map(([, number]) => number), model),
    ...raw === undefined ? {} : { raw },
    said: [`Each line is a sequence: ${rows.length} of them.`, ...new Set(readings.flatMap(({ said }) => said))]
  }
}

/** The sequences of the lines as one batch. */
function joined (lines: readonly unknown[], numbers: readonly number[], { inputs }: Takes): unknown {
  const batch = (values: readonly unknown[], rank: number): unknown => {
    const texts = values.map((value) => isObject(value) && 'text' in value ? [value.text].flat() : null)
    if (texts.every((text) => text !== null)) return { text: texts.flat() }
    let first: number | undefined
    return values.flatMap((value, n) => {
      if (!Array.isArray(value)) throw new Unreadable(`Line ${numbers[n]} is not in the same form as the others: give them all as lists, or all as {"text": ...}.`)
      const own = depth(value) === rank - 1 ? [value] : value as unknown[]
      if (own.length !== 1) throw new Unreadable(`Line ${numbers[n]} holds ${own.length} sequences: a line is one.`)
      const here = Array.isArray(own[0]) ? own[0].length : 0
      first ??= here
      if (first !== here) throw new Unreadable(`Line ${numbers[n]} has ${here} steps, line ${numbers[0]} has ${first}: the sequences of the page are of one length, and nothing is padded.`)
      return own
    })
  }
  if (inputs.length === 1) return batch(lines.map((line) => isObject(line) && Object.keys(line).length === 1 && inputs[0].name in line ? line[inputs[0].name] : line), inputs[0].shape.length)
  return Object.fromEntries(inputs.map(({ name, shape }) => [name, batch(lines.map((line, n) => {
    if (!isObject(line) || !(name in line)) throw new Unreadable(`Line ${numbers[n]} has no input ${name}: this model needs ${listed(inputs.map((input) => input.name))}.`)
    const other = Object.keys(line).find((key) => !inputs.some((input) => input.name === key))
    if (other !== undefined) throw new Unreadable(`Line ${numbers[n]} has an input ${other}, which this model has not: it needs ${listed(inputs.map((input) => input.name))}.`)
    return line[name]
  }), shape.length)]))
}

/** How deep a list is nested, by its first entries. */
const depth = (value: unknown): number => Array.isArray(value) ? 1 + depth(value[0]) : 0
