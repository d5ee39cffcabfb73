import { Fault } from '../errors.ts'
import { pointerTo, StoredArray } from './arrays.ts'
import { datatypes, type Datatype } from './v2-datatypes.ts'

/** NumPy's words for kinds of numbers, without the order of their bytes. */
const kinds: ReadonlyMap<string, Datatype> = new Map(Object.entries({
  b1: 'BOOL', u1: 'UINT8', u2: 'UINT16', u4: 'UINT32', u8: 'UINT64', i1: 'INT8', i2: 'INT16', i4: 'INT32', i8: 'INT64', f2: 'FP16', f4: 'FP32', f8: 'FP64'
} as const))

/** A header is a line of a few words; NumPy itself reads none that is longer. */
const longest = 10_000

/**
 * A `.npy` file: the magic, a version, the length of the header (two bytes, four from version 2), the header, then the numbers.
 * Source: NumPy's description of the format (numpy.lib.format).
 * @throws Fault malformed, or invalid_value for a kind of numbers that is not read, with a pointer to the array
 */
export function readNpy (file: Buffer, name: string): StoredArray {
  const broken = (what: string): Fault => new Fault('malformed', `'${name}.npy' is no array of NumPy: ${what}`, pointerTo(name))
  const version = file[6]
  if (file.length < 12 || file.toString('latin1', 0, 6) !== '\x93NUMPY' || version < 1 || version > 3) throw broken('it does not start as one of versions 1 to 3 does')
  const [start, length] = version === 1 ? [10, file.readUInt16LE(8)] : [12, file.readUInt32LE(8)]
  if (length > longest || start + length > file.length) throw broken(`its header has ${length} bytes`)
  const header = headerOf(file.toString('utf8', start, start + length))
  if (header === null) throw broken('its header says no descr, fortran_order and shape')
  const datatype = datatypeOf(header.descr, name)
  const bytes = file.subarray(start + length)
  const expected = header.shape.reduce((a, b) => a * b, datatypes[datatype].size)
  if (bytes.length !== expected) throw broken(`it has ${bytes.length} bytes where its shape needs ${expected}`)
  return new StoredArray({ datatype, shape: header.shape, bytes, columnMajor: header.columnMajor })
}

interface Header { readonly descr: string, readonly columnMajor: boolean, readonly shape: readonly number[] }

/** The Python literal `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, its members in any order; null where it is another. */
function headerOf (text: string): Header | null {
  const literal = /^\{(.*)\}\s*$/s.exec(text)?.[1]
  const member = /\s*'(descr|fortran_order|shape)'\s*:\s*('[^'\\]*'|\[.*\]|True|False|\((?:\s*\d+\s*,)*\s*(?:\d+\s*)?\))\s*(?:,|$)/sy
  if (literal === undefined) return null
  const members = new Map<string, string>()
  while (member.lastIndex < literal.length && literal.slice(member.lastIndex).trim() !== '') {
    const found = member.exec(literal)
    if (found === null || members.has(found[1])) return null
    members.set(found[1], found[2])
  }
  const [descr, order, tuple] = ['descr', 'fortran_order', 'shape'].map((key) => members.get(key))
  if (descr === undefined || order === undefined || tuple === undefined || !/^['[]/.test(descr) || !/^[TF]/.test(order) || !tuple.startsWith('(')) return null
  const shape = [...tuple.matchAll(/\d+/g)].map(([size]) => Number(size))
  return shape.every((size) => Number.isSafeInteger(size)) ? { descr: descr.startsWith("'") ? descr.slice(1, -1) : descr, columnMajor: order === 'True', shape } : null
}

function datatypeOf (descr: string, name: string): Datatype {
  const [, order, kind] = /^([<>|])([a-z]\d+)$/.exec(descr) ?? []
  const datatype = kind === undefined ? undefined : kinds.get(kind)
  if (datatype === undefined || (order === '|' && datatypes[datatype].size > 1)) {
    throw new Fault('invalid_value', `'${name}' is an array of ${descr}: expected numbers (float16 to float64, whole ones, or bool); x.astype('float32') makes such`, pointerTo(name))
  }
  if (order === '>' && datatypes[datatype].size > 1) throw new Fault('invalid_value', `'${name}' is big-endian (${descr}): send x.astype('<${kind}')`, pointerTo(name))
  return datatype
}
