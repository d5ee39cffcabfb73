/**
 * Assembles a module written in a part of the WebAssembly text format (WebAssembly Core Specification 2.0, sections 5 and 6):
 * one imported memory, imported functions, then functions; folded expressions only; every name with `$`.
 * The part is small, the spelling is the standard's: other assemblers read the same text.
 */

type Node = string | Node[]
type Fields = Node[]

const valueTypes: Record<string, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b }
const empty = 0x40

/** The opcodes whose operands are all on the stack. */
const plain: Record<string, number> = {
  'i32.lt_u': 0x49,
  'i32.gt_s': 0x4a,
  'i32.clz': 0x67,
  'i32.add': 0x6a,
  'i32.sub': 0x6b,
  'i32.and': 0x71,
  'i32.or': 0x72,
  'i32.shl': 0x74,
  'i32.shr_u': 0x76,
  'i64.shr_u': 0x88,
  'i32.wrap_i64': 0xa7
}
/** The same, of vectors: behind 0xfd, in LEB128. */
const vectors: Record<string, number> = {
  'i8x16.swizzle': 0x0e,
  'i8x16.gt_s': 0x27,
  'i32x4.gt_s': 0x3b,
  'v128.and': 0x4e,
  'v128.or': 0x50,
  'i8x16.bitmask': 0x64,
  'i16x8.q15mulr_sat_s': 0x82,
  'i16x8.shl': 0x8b,
  'i16x8.shr_u': 0x8d,
  'i16x8.sub': 0x91,
  'i16x8.mul': 0x95,
  'i16x8.min_u': 0x97,
  'i32x4.abs': 0xa0,
  'i32x4.bitmask': 0xa4,
  'i32x4.shl': 0xab,
  'i32x4.shr_u': 0xad,
  'i32x4.sub': 0xb1,
  'i32x4.mul': 0xb5,
  'i32x4.min_u': 0xb7,
  'i64x2.shl': 0xcb,
  'i64x2.shr_u': 0xcd,
  'i64x2.add': 0xce,
  'i64x2.sub': 0xd1,
  'i64x2.extmul_low_i32x4_u': 0xde,
  'i64x2.extmul_high_i32x4_u': 0xdf,
  'f64x2.add': 0xf0,
  'f64x2.mul': 0xf2,
  'f64x2.convert_low_i32x4_s': 0xfe
}
/** The opcodes with an alignment, which is only a hint and always 0 here, and an offset. */
const memory: Record<string, number[]> = {
  'i32.load': [0x28], 'i64.load': [0x29], 'i32.store': [0x36], 'i64.store': [0x37], 'i32.store8': [0x3a], 'v128.load': [0xfd, 0], 'v128.store': [0xfd, 0x0b]
}
/** How many bytes a number of a vector constant takes. */
const laneBytes: Record<string, number> = { i8x16: 1, i16x8: 2, i32x4: 4, i64x2: 8 }
const locals: Record<string, number> = { 'local.get': 0x20, 'local.set': 0x21 }
const branches: Record<string, number> = { br: 0x0c, br_if: 0x0d }
const blocks: Record<string, number> = { block: 0x02, loop: 0x03 }

/** The module's bytes. Throws a `SyntaxError` for what it does not know. */
export function assemble (text: string): Uint8Array<ArrayBuffer> {
  const [head, ...fields] = list(parse(text))
  if (head !== 'module') throw new SyntaxError('WebAssembly text: not a module')
  const types: number[][] = []
  const imports: number[][] = []
  const functions: number[][] = []
  const exports: number[][] = []
  const bodies: number[][] = []
  const names = new Map<string, number>()
  for (const field of fields.map(list)) {
    if (field[0] === 'import') {
      const from = [...quoted(field[1]), ...quoted(field[2])]
      const what = list(field[3])
      if (what[0] === 'memory') {
        imports.push([...from, 2, 0, ...unsigned(Number(what[1]))])
      } else {
        imports.push([...from, 0, ...unsigned(types.length)])
        names.set(word(what[1]), types.length)
        types.push(signature(what))
      }
    } else if (field[0] === 'func') {
      const index = types.length
      names.set(word(field[1]), index)
      functions.push(unsigned(index))
      types.push(signature(field))
      for (const [name] of clauses(field, 'export')) exports.push([...quoted(name), 0, ...unsigned(index)])
      bodies.push(body(field, names))
    } else {
      throw new SyntaxError(`WebAssembly text: ${String(field[0])}`)
    }
  }
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, types), ...section(2, imports), ...section(3, functions), ...section(7, exports), ...section(10, bodies)
  ])
}

function parse (text: string): Node {
  const open: Node[][] = [[]]
  for (const [token] of text.replace(/;;.*/g, '').matchAll(/[()]|"[^"]*"|[^\s()"]+/g)) {
    if (token === '(') {
      open.push([])
    } else if (token === ')') {
      const done = open.pop() ?? []
      open.at(-1)?.push(done)
    } else {
      open.at(-1)?.push(token)
    }
  }
  if (open.length !== 1 || open[0].length !== 1) throw new SyntaxError('WebAssembly text: unbalanced brackets')
  return open[0][0]
}

function list (node: Node): Fields {
  if (typeof node === 'string') throw new SyntaxError(`WebAssembly text: a list in place of ${node}`)
  return node
}

function word (node: Node | undefined): string {
  if (typeof node !== 'string') throw new SyntaxError('WebAssembly text: a word is missing')
  return node
}

/** What follows the head in each `(head ...)` among a function's fields. */
const clauses = (field: Fields, head: string): Fields[] =>
  field.filter((part): part is Node[] => typeof part !== 'string' && part[0] === head).map((part) => part.slice(1))

/** `(param $name type)` and `(local $name type)` are one a clause. */
const typesOf = (field: Fields, head: string): number[] => clauses(field, head).map((parts) => valueTypes[word(parts.at(-1))])

const signature = (field: Fields): number[] => [0x60, ...vector(typesOf(field, 'param').map((type) => [type])), ...vector(typesOf(field, 'result').map((type) => [type]))]

function body (field: Fields, functions: ReadonlyMap<string, number>): number[] {
  const variables = new Map<string, number>()
  for (const [name] of [...clauses(field, 'param'), ...clauses(field, 'local')]) variables.set(word(name), variables.size)
  const code: number[] = vector(typesOf(field, 'local').map((type) => [1, type]))
  const declarations = new Set<Node>(['param', 'local', 'result', 'export'])
  for (const part of field.slice(2)) {
    const fields = list(part)
    if (!declarations.has(fields[0])) expression(fields, code, [], variables, functions)
  }
  code.push(0x0b)
  return [...unsigned(code.length), ...code]
}

function expression (fields: Fields, code: number[], labels: readonly string[], variables: ReadonlyMap<string, number>, functions: ReadonlyMap<string, number>): void {
  const head = word(fields[0])
  const each = (parts: Fields, within = labels): void => {
    for (const part of parts) expression(list(part), code, within, variables, functions)
  }
  if (head in plain) {
    each(fields.slice(1))
    code.push(plain[head])
  } else if (head in vectors) {
    each(fields.slice(1))
    code.push(0xfd, ...unsigned(vectors[head]))
  } else if (head in memory) {
    const offset = typeof fields[1] === 'string' ? Number(fields[1].replace('offset=', '')) : 0
    each(fields.slice(typeof fields[1] === 'string' ? 2 : 1))
    code.push(...memory[head], 0, ...unsigned(offset))
  } else if (head in locals) {
    each(fields.slice(2))
    code.push(locals[head], ...unsigned(known(variables, fields[1])))
  } else if (head in branches) {
    each(fields.slice(2))
    const depth = labels.indexOf(word(fields[1]))
    if (depth < 0) throw new SyntaxError(`WebAssembly text: no label ${word(fields[1])}`)
    code.push(branches[head], ...unsigned(depth))
  } else if (head in blocks) {
    code.push(blocks[head], empty)
    each(fields.slice(2), [word(fields[1]), ...labels])
    code.push(0x0b)
  } else if (head === 'call') {
    each(fields.slice(2))
    code.push(0x10, ...unsigned(known(functions, fields[1])))
  } else if (head === 'i32.const') {
    code.push(0x41, ...signed(BigInt.asIntN(32, BigInt(word(fields[1])))))
  } else if (head === 'i64.const') {
    code.push(0x42, ...signed(BigInt.asIntN(64, BigInt(word(fields[1])))))
  } else if (head === 'v128.const') {
    code.push(0xfd, 0x0c, ...vectorBytes(word(fields[1]), fields.slice(2)))
  } else if (head === 'i8x16.shuffle') {
    each(fields.slice(17))
    code.push(0xfd, 0x0d, ...fields.slice(1, 17).map((lane) => Number(word(lane))))
  } else {
    throw new SyntaxError(`WebAssembly text: ${head}`)
  }
}

/** The 16 bytes of `i32x4 1 2 3 4`: the lowest lane first, each in little endian. */
function vectorBytes (lanes: string, numbers: Fields): number[] {
  const size = laneBytes[lanes]
  if (numbers.length * size !== 16) throw new SyntaxError(`WebAssembly text: v128.const ${lanes}`)
  return numbers.flatMap((number) => Array.from({ length: size }, (_, n) => Number(BigInt(word(number)) >> BigInt(8 * n) & 255n)))
}

function known (names: ReadonlyMap<string, number>, name: Node | undefined): number {
  const index = names.get(word(name))
  if (index === undefined) throw new SyntaxError(`WebAssembly text: no ${word(name)}`)
  return index
}

function quoted (node: Node | undefined): number[] {
  const bytes = [...Buffer.from(word(node).slice(1, -1))]
  return [...unsigned(bytes.length), ...bytes]
}

const vector = (items: readonly number[][]): number[] => [...unsigned(items.length), ...items.flat()]

function section (id: number, items: readonly number[][]): number[] {
  const content = vector(items)
  return [id, ...unsigned(content.length), ...content]
}

/** LEB128. */
function unsigned (n: number): number[] {
  return n < 128 ? [n] : [(n & 127) | 128, ...unsigned(n >>> 7)]
}

function signed (n: bigint): number[] {
  const low = Number(n & 127n)
  const rest = n >> 7n
  const done = (rest === 0n && low < 64) || (rest === -1n && low >= 64)
  return done ? [low] : [low | 128, ...signed(rest)]
}
