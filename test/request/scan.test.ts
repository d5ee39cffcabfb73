import fc from 'fast-check'
import t, { type Test } from 'tap'
import { Fault } from '../../src/errors.ts'
import { decodeRequest } from '../../src/request/decode.ts'
import { nativeReader, portableReader, type NativeList } from '../../src/request/native/reader.ts'
import { decodeLine } from '../../src/request/ndjson.ts'
import { parseScanned } from '../../src/request/scan.ts'
import { ScannedList } from '../../src/request/scanned.ts'
import { graphOf, layer, sequences, served } from './models.ts'

const plainly = (text: string): unknown => JSON.parse(text)
let native = nativeReader
const scan = (body: string | Buffer): any => parseScanned(Buffer.from(body as string), plainly, native)

/** Once for each reader of lists. */
function forBoth (name: string, run: (t: Test) => Promise<void>): void {
  for (const [by, reader] of [['the native reader', nativeReader], ['the portable reader', portableReader()], ['TypeScript', null]] as const) {
    t.test(`${name}: by ${by}`, async (t) => {
      native = reader
      await run(t)
    })
  }
}

/** Equal to the last bit, the order of members and -0 included. */
function identical (a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  const [keys, others] = [Object.keys(a), Object.keys(b)]
  return Array.isArray(a) === Array.isArray(b) && keys.length === others.length &&
    keys.every((key, n) => key === others[n] && identical((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
}

/** With the lists that JSON.parse gives. */
function unscanned (value: unknown): unknown {
  if (value instanceof ScannedList) return value.lists()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, unscanned(member)]))
}

/** What comes of it: a value, or the words and the place of what is wrong. */
function outcome (run: () => unknown): unknown {
  try {
    return { value: run() }
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, message: error.message, pointer: error.pointer }
    if (error instanceof SyntaxError) return { message: error.message }
    throw error
  }
}

/** Numbers read by the scanner alone: anything that it leaves to JSON.parse is an error here. */
function scanned (spellings: readonly string[]): ScannedList {
  const { inputs } = scan(`{"inputs":[${spellings.join()}]}`)
  if (!(inputs instanceof ScannedList)) throw new Error(`left to JSON.parse: ${spellings.slice(0, 5).join()}`)
  return inputs
}

/** The spellings whose double or float32 is not the one of JSON.parse. */
function wrong (spellings: readonly string[]): string[] {
  const { singles, doubles } = scanned(spellings)
  const exact = doubles()
  return spellings.filter((spelling, n) => {
    const x = JSON.parse(spelling) as number
    const right = (single: number, double: number): boolean => Object.is(double, x) && Object.is(single, Math.fround(x))
    return !right(singles[n], exact[n]) || (native !== null && !alone(spelling).every((list) => list === null || right(list.singles[0], list.doubles()[0])))
  })
}

/** What the native reader makes of each number by itself, as it leaves a whole list to TypeScript for one of them; beside other bytes, and where there are none. */
const alone = (spelling: string): (NativeList | null)[] => ['', ' '.repeat(40)].map((blanks) => native!(Buffer.from(`[${blanks}${spelling}${blanks}]`), 0))

/** All digits of mantissa * 2^exponent, and how many of them stand behind the point. */
function digitsOf (mantissa: bigint, exponent: number): [digits: bigint, behind: number] {
  return exponent >= 0 ? [mantissa << BigInt(exponent), 0] : [mantissa * 5n ** BigInt(-exponent), -exponent]
}

function decimal (digits: bigint, behind: number): string {
  const text = digits.toString().padStart(behind + 1, '0')
  return behind === 0 ? text : `${text.slice(0, -behind)}.${text.slice(-behind)}`
}

/** A number just at, just above and just below a place where rounding turns, cut to the most digits there may be. */
function around (mantissa: bigint, exponent: number): string[] {
  const [digits, behind] = digitsOf(mantissa, exponent)
  const finer = digits * 10n ** 5n
  return [decimal(digits, behind), decimal(finer + 1n, behind + 5), decimal(finer - 1n, behind + 5)]
}

forBoth('midpoints of float32, of every exponent', async (t) => {
  const spellings: string[] = []
  for (let exponent = -149; exponent <= 103; exponent++) {
    for (const mantissa of [2n ** 23n, 2n ** 23n + 1n, 2n ** 24n - 1n, 12345678n, 9876543n]) {
      if (exponent === 103 && mantissa === 2n ** 24n - 1n) continue
      spellings.push(...around(2n * mantissa + 1n, exponent - 1))
      // The doubles next to the midpoint, as they are printed.
      const middle = Number(2n * mantissa + 1n) * 2 ** (exponent - 1)
      for (const by of [-3, -1, 0, 1, 3]) spellings.push(String(middle * (1 + by * 2 ** -52)))
    }
  }
  for (let mantissa = 1n; mantissa < 40n; mantissa++) spellings.push(...around(mantissa, -150))
  t.same(wrong(spellings), [])
  t.same(wrong(spellings.map((spelling) => `-${spelling}`)), [])
})

forBoth('midpoints of doubles, of 17 and 18 digits and of all', async (t) => {
  const spellings: string[] = []
  for (let n = 0; n < 3000; n++) {
    const exponent = -75 + n % 50
    const mantissa = 2n ** 53n + BigInt(Math.floor(Math.random() * 2 ** 52)) * 2n + 1n
    const all = around(mantissa, exponent)
    spellings.push(...n % 20 === 0 ? all : [], ...all.map((text) => text.slice(0, 18)), ...all.map((text) => text.slice(0, 21)))
    spellings.push((Number(mantissa) * 2 ** exponent).toPrecision(17), (Number(mantissa) * 2 ** exponent).toExponential(17))
  }
  t.same(wrong(spellings), [])
})

forBoth('the largest float32, and what is too large for one', async (t) => {
  const most = digitsOf(2n ** 25n - 1n, 103)[0]
  const below = (most - 2n ** 75n).toString()
  t.same(wrong([below, `-${below}`, '3.4028235e38', '3.40282346638528859811704183484516925440e+38', '340282356779733623858607532500980858880.0']), [])
  // The one below is so near that its double is the same.
  for (const spelling of [most.toString(), `-${most.toString()}`, (most - 1n).toString(), '3.4028236e38', '1e39', '-1e309', '1e99999', '9'.repeat(800)]) {
    t.notOk(scan(`{"inputs":[1,${spelling}]}`).inputs instanceof ScannedList, spelling.slice(0, 20))
  }
})

forBoth('22 digits and fewer, as near to a midpoint of doubles as they come', async (t) => {
  const spellings: string[] = []
  for (let behind = 10; behind <= 50; behind++) {
    const five = 5n ** BigInt(behind)
    // digits / 10^behind = (middle + off / 5^behind) / 2^(bits + behind), middle odd and of 54 bits: off alone says which way.
    for (let bits = 20; bits <= 53; bits++) {
      const modulus = 2n ** BigInt(bits)
      let inverse = 1n
      for (let n = 0; n < 6; n++) inverse = inverse * (2n - five * inverse) % modulus
      for (const off of [-3n, -1n, 1n, 3n]) {
        const low = ((-off * inverse) % modulus + modulus) % modulus
        const middle = 2n ** 53n + BigInt(Math.floor(Math.random() * 2 ** (53 - bits))) * modulus + low
        const digits = (five * middle + off) / modulus
        if (digits < 10n ** 22n) spellings.push(decimal(digits, behind))
      }
    }
  }
  t.ok(spellings.length > 500, `${spellings.length}`)
  t.same(wrong(spellings), [])
})

forBoth('digits just about 2^53, the point anywhere', async (t) => {
  const spellings: string[] = []
  for (let n = 2n ** 53n - 40n; n <= 2n ** 53n + 40n; n++) {
    for (const digits of [n.toString(), `${n}7`, `${n}51`, `${n}0000000`, `${n}99999999`]) {
      for (let behind = 0; behind <= 24; behind++) spellings.push(decimal(BigInt(digits), behind), `${digits}e-${behind}`)
    }
  }
  t.same(wrong(spellings), [])
})

const digitString = (max: number): fc.Arbitrary<string> => fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: max }).map((digits) => digits.join(''))
const whole = fc.oneof(fc.constant('0'), fc.integer({ min: 1, max: 9 }).map(String), fc.tuple(fc.integer({ min: 1, max: 9 }), digitString(25)).map(([first, more]) => `${first}${more}`))
const fraction = fc.oneof(fc.constant(''), digitString(9).map((digits) => `.${digits}`), digitString(24).map((digits) => `.${digits}`), fc.tuple(fc.integer({ min: 0, max: 60 }), digitString(20))
  .map(([zeros, digits]) => `.${'0'.repeat(zeros)}${digits}`))
const exponent = fc.oneof({ weight: 4, arbitrary: fc.constant('') }, fc.tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.integer({ min: 0, max: 12 })).map((parts) => parts.join('')),
  fc.integer({ min: 0, max: 400 }).map((exponent) => `e-${exponent}`), fc.constant('e-000007'))
const number = fc.oneof(
  fc.tuple(fc.constantFrom('', '-'), whole, fraction, exponent).map((parts) => parts.join('')),
  fc.double({ noNaN: true, min: -3e38, max: 3e38 }).map((x) => JSON.stringify(x)),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((x) => JSON.stringify(x)),
  fc.float({ noNaN: true, min: -2, max: 2 }).map((x) => JSON.stringify(x)),
  fc.constantFrom('-0', '0', '0.0', '-0.0e5', '1e-400', '-1e-46', '0e999', '1.17549435e-38', '1e-45', '7.006492321624085e-46', '0.1', '9007199254740993', '9007199254740992.5', '0.99999999999999999')
)
const float32Number = number.filter((spelling) => Number.isFinite(Math.fround(Number(spelling))))

forBoth('any spelling of a number', async () => {
  fc.assert(fc.property(fc.array(float32Number, { minLength: 1, maxLength: 30 }), (spellings) => wrong(spellings).length === 0), { numRuns: 3000 })
})

t.test('what programs print is read by both native readers', async (t) => {
  const printed = fc.oneof(
    fc.double({ noNaN: true, min: 1e-30, max: 9e18 }).map(String),
    fc.float({ noNaN: true, min: Math.fround(1e-30), max: 2 ** 62 }).map(String),
    fc.integer().map(String),
    fc.double({ noNaN: true, min: 1e-6, max: 1e6 }).map((x) => x.toFixed(12)),
    fc.double({ noNaN: true, min: 1e-30, max: 1e30 }).chain((x) => fc.integer({ min: 0, max: 16 }).map((digits) => x.toExponential(digits)))
  )
  for (native of [nativeReader, portableReader()]) fc.assert(fc.property(printed, (spelling) => alone(spelling).every((list) => list !== null) && wrong([spelling, `-${spelling.replace('-', '')}`]).length === 0), { numRuns: 20000 })
  for (const digits of ['18446744073709551616', '0.018446744073709551616', '0.00000036893488147419103232', '123456789012345678901', '1e-70', '0.1e99', '0.12345678901234567890123456789012345']) {
    t.same(alone(digits), [null, null], `${digits} is not`)
    t.same(wrong([digits.replace('e99', 'e30')]), [])
  }
})

t.test('the native readers keep to the bytes they are given', async (t) => {
  const text = '[[1.25, -0.30000001192092896], [12345678.5, 7e-3]]'
  for (const read of [nativeReader!, portableReader()!]) {
    for (let from = 0; from < 40; from++) {
      const all = Buffer.from(`${' '.repeat(from)}${text}`)
      t.same(read(all, from)?.singles, Float32Array.of(1.25, -0.30000001192092896, 12345678.5, 7e-3), `after ${from} bytes`)
      for (let to = from; to < all.length; to++) if (read(all.subarray(0, to), from) !== null) t.fail(`cut off at ${to}`)
    }
    for (const from of [-1, 100]) t.throws(() => read(Buffer.from(text), from))
  }
})

forBoth('digits up to 800, with and without a point', async () => {
  const long = fc.tuple(digitString(800), fc.integer({ min: 0, max: 800 }), fc.integer({ min: -30, max: 30 }))
    .map(([digits, behind, exponent]) => `${decimal(BigInt(digits), Math.min(behind, digits.length))}e${exponent - Math.max(digits.length - behind, 0)}`)
  fc.assert(fc.property(long, (spelling) => wrong([spelling, spelling]).length === 0), { numRuns: 500 })
})

const blank = fc.oneof({ weight: 5, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\n', '\t', '\r\n', '   '))

/** A regular list of the sizes given, as text with blanks. */
function listText ([size, ...sizes]: readonly number[], numbers: Iterator<string>, blanks: Iterator<string>): string {
  const entries = Array.from({ length: size }, () => sizes.length === 0 ? numbers.next().value as string : listText(sizes, numbers, blanks))
  const gap = (): string => blanks.next().value as string
  return `[${entries.map((entry) => `${gap()}${entry}${gap()}`).join()}]`
}

const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })
const places = ['"inputs": LIST', '"inputs": {"x": LIST}', '"inputs": {"shape": [1, 2, 3], "data": LIST}', '"inputs": {"y\u00e9": {"data": LIST, "dtype": "int64"}}', '"inputs": {"a": LIST, "b" :LIST}',
  '"raw": true, "inputs" : LIST', '"inputs": LIST , "model": "a\\"b[1,2]{"', '"initialState": {"inputs": [1, {"a": "]"}]}, "inputs": LIST, "steps": [1, -1]']

/** Bodies that are right, their lists read by the scanner. */
const bodies = fc.tuple(sizes, fc.infiniteStream(float32Number), fc.infiniteStream(blank), fc.constantFrom(...places))
  .map(([sizes, numbers, blanks, place]) => `{${place.replaceAll('LIST', () => listText(sizes, numbers, blanks))}}`)

forBoth('regular lists are read where inputs may have them, and are what JSON.parse gives', async () => {
  fc.assert(fc.property(bodies, (body) => {
    const found = scan(body)
    const left = JSON.stringify(found.inputs, (_, value: unknown) => value instanceof ScannedList ? null : value)
    return /^[^[]*$|^{"shape":\[1,2,3\],"data":null}$/.test(left) && identical(unscanned(found), JSON.parse(body))
  }), { numRuns: 2000 })
})

forBoth('the same error or the same value for any body, cut off or changed', async () => {
  const pieces = ['[', ']', '{', '}', ',', ':', '"', '1', '0', '-', '.', 'e', 'null', 'NaN', ' ', '\\', '"inputs":', '"inputs":[1],', '[1]', '\u0001', '\ufeff', '"__proto__":', '[]', '+', '\u00e9']
  const change = fc.tuple(fc.nat(), fc.nat({ max: 2 }), fc.constantFrom(...pieces, ''))
  fc.assert(fc.property(bodies, fc.array(change, { minLength: 1, maxLength: 3 }), fc.boolean(), (body, changes, cut) => {
    for (const [place, gone, piece] of changes) {
      const at = place % (body.length + 1)
      body = body.slice(0, at) + piece + (cut ? '' : body.slice(at + gone))
    }
    return identical(outcome(() => unscanned(scan(body))), outcome(() => JSON.parse(body)))
  }), { numRuns: 8000 })
})

forBoth('what is left to JSON.parse', async (t) => {
  const lists = ['[]', '[[]]', '[[1],[]]', '[[1,2],[3]]', '[1,[2]]', '[[1],2]', '[[[1]],[2]]', '[[[1],[2]],[[3]]]', '[null]', '[1,null]', '["1"]', '[true]', '[1,{}]', '[1e39]', `${'['.repeat(17)}1${']'.repeat(17)}`, '7', '"[1]"']
  const bodies = [...lists.map((list) => `{"inputs": ${list}}`), '{"inputs": [1], "inputs": [2]}', '{"inputs": {"x": [1], "x": 2}}', '{"inputs": [1], "inputs": []}', '{"inputs": {"x": [1], "x": []}}', '{"inputs": [1], "in\\u0070uts": []}', '{"inputs": {"x": [1], "\\u0078": []}}', '{"in\\u0070uts": [1]}', '{"inputs": {"\\u0078": [1]}}',
    '{"inputs": {"__proto__": [1]}}', '{"inputs": {"shape": [1], "oneHot": [[2]], "text": [3], "dtype": [4]}}', '{"inputs": {"x": {"y": [1]}}}', '{"inputs": {"x": {"data": {"data": [1]}}}}', '{"other": [1]}', '{"a": {"inputs": [1]}}',
    `{"inputs": {${Array.from({ length: 257 }, (_, n) => `"i${n}": [1]`).join()}}}`, '[1]', '[{"inputs": [1]}]', '{}', '{"inputs": {}}', ' {"inputs": {"x": {}}} ']
  for (const body of bodies) t.ok(identical(scan(body), JSON.parse(body)), body)
})

forBoth('what is not JSON', async (t) => {
  const numbers = ['01', '-01', '1.', '.5', '+1', '1e', '1e+', '-', '1.e5', '0x1', '1_0', '1 2', '1,', ',1', '1,,2', '--1', '1-', '1.5.5', '1e5.5', 'Infinity', '-Infinity', 'NaN', '1\u00a0', '1\v', '\f1', '1/**/']
  const bodies = [...numbers.flatMap((number) => [`{"inputs": [${number}]}`, `{"inputs": [[0],[${number}]]}`]), '{"inputs": [1]', '{"inputs": [1}', '{"inputs": [1]]}', '{"inputs": [1]}}', '{"inputs": [1]} x', '{"inputs": [1],}', '{"inputs": 1[2]}',
    '{"inputs" [1]}', '{"inputs":: [1]}', '{"inputs": [1] "a": 1}', '{inputs: [1]}', "{'inputs': [1]}", '{"inputs": [1], "a": "\n"}', '{"inputs": [1], "a": "\\x"}', '\ufeff{"inputs": [1]}', '"inputs": [1]}', '', ' ', '}', '{', '{"', '{"inputs": {"x": [1]}']
  for (const body of bodies) {
    const found = outcome(() => scan(body)) as { message?: string }
    t.ok(found.message !== undefined && identical(found, outcome(() => JSON.parse(body))), body)
  }
})

forBoth('bytes that are not UTF-8 beside the lists', async (t) => {
  for (const bytes of [[0xff], [0xe2, 0x82], [0xc3, 0xa9], [0xed, 0xa0, 0x80]]) {
    const body = Buffer.concat([Buffer.from('{"a": "'), Buffer.from(bytes), Buffer.from('", "inputs": {"'), Buffer.from(bytes), Buffer.from('": [1, 2]}}')])
    t.ok(identical(unscanned(scan(body)), JSON.parse(body.toString())), bytes.join())
  }
})

forBoth('long lists, and a first row longer than all of most lists', async (t) => {
  for (const sizes of [[300000], [3, 100001], [2, 3, 50000], [200000, 2], [1, 90001, 3]]) {
    const flat = Float64Array.from({ length: sizes.reduce((a, b) => a * b) }, (_, n) => n / 8)
    const { inputs } = scan(`{"inputs":${JSON.stringify(new ScannedList(sizes, new Float32Array(), () => flat).lists())}}`)
    t.same([inputs.shape, inputs.singles.length], [sizes, flat.length])
    t.ok(identical(inputs.doubles(), flat))
    t.ok(identical(inputs.singles, Float32Array.from(flat)))
  }
})

forBoth('a list keeps its numbers while others are read', async (t) => {
  for (const next of ['[7, 8, 9]', '[7, null]', '[[7, 8, 9], [7]]', `[${'7,'.repeat(300000)}7]`, '{"a": [7], "b": [8, 9]}']) {
    const first = scanned(['0.1', '2'])
    for (const time of ['before', 'after']) {
      t.same([[...first.singles], [...first.doubles()]], [[Math.fround(0.1), 2], [0.1, 2]], `${time} ${next.slice(0, 20)}`)
      scan(`{"inputs": ${next}}`)
    }
  }
})

const scaler = { inputs: { mean: [0.1, 2], scale: [3, 0.7] } }
const models = {
  one: sequences(null, 1),
  two: sequences(2, 2),
  open: sequences(null, 2),
  scaled: sequences(null, 2, { scaler }),
  ids: served(graphOf({ x: { shape: [null, null] } }, [[layer('e', 'Embedding', { input_dim: 10 }), 'x']])),
  whole: served(graphOf({ x: { shape: [null, 2], dtype: 'int32' } }, [[layer('r', 'Rescaling'), 'x']])),
  booleans: served(graphOf({ x: { shape: [null, 2], dtype: 'bool' } }, [[layer('r', 'Rescaling'), 'x']])),
  names: served(graphOf({ data: { shape: [null, 2] }, shape: { shape: [null, null, 2] } }, [[layer('cat', 'Concatenate'), 'data', 'shape']]))
}

forBoth('requests and lines: the same numbers or the same fault, however the lists were read', async () => {
  const digit = fc.nat({ max: 9 }).map(String)
  const entries = fc.oneof(fc.infiniteStream(digit), fc.infiniteStream(fc.oneof({ weight: 20, arbitrary: digit }, { weight: 5, arbitrary: number }, { weight: 1, arbitrary: fc.constantFrom('null', '"a"', 'true', '[]', '[1]', '{}') })))
  const sizes = fc.constantFrom([4], [1, 2], [2, 2], [4, 1], [1, 2, 2], [1, 2, 2], [2, 1, 2], [1, 4, 1], [2, 2, 1], [1, 1, 2, 2])
  const list = fc.tuple(sizes, entries, fc.infiniteStream(fc.constant(''))).map(([sizes, entries, blanks]) => listText(sizes, entries, blanks))
  const form = fc.oneof(
    list,
    fc.tuple(sizes.map((sizes) => JSON.stringify(sizes)), fc.oneof(list, fc.tuple(entries, fc.infiniteStream(fc.constant(''))).map((streams) => listText([4], ...streams))), fc.constantFrom('', '', ', "order": "F"', ', "dtype": "int32"', ', "dtype": "float16"', ', "order": 1'))
      .map(([shape, data, more]) => `{"shape": ${shape}, "data": ${data}${more}}`),
    list.map((ids) => `{"oneHot": ${ids}}`)
  )
  const { names, ...others } = models
  const one = fc.oneof(form, form.map((x) => `{"x": ${x}}`))
  const two = fc.tuple(form, form).map(([a, b]) => `{"data": ${a}, "shape": ${b}}`)
  const asked = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(one, fc.constantFrom(...Object.values(others)), fc.constant('')) },
    fc.tuple(one, fc.constant(models.scaled), fc.constant('"raw": true, ')),
    fc.tuple(two, fc.constant(names), fc.constant('')),
    fc.tuple(fc.oneof(one, two), fc.constantFrom(...Object.values(models)), fc.constantFrom('', '"raw": true, '))
  )
  let [read, refused] = [0, 0]
  fc.assert(fc.property(asked, fc.constantFrom(decodeRequest, decodeLine), ([inputs, model, raw], decode) => {
    const body = `{${raw}"inputs": ${inputs}}`
    const found = outcome(() => decode(scan(body), model, 'predict')) as { value?: unknown }
    if (found.value === undefined) refused++
    else read++
    return identical(found, outcome(() => decode(JSON.parse(body), model, 'predict')))
  }), { numRuns: 8000 })
  t.ok(read > 500 && refused > 500, `${read} read, ${refused} refused`)
})
