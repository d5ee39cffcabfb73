import { Fault } from '../errors.ts'
import { bodyOf, pointerTo, StoredArray } from './arrays.ts'
import { datatypes, type Datatype } from './v2-datatypes.ts'
import { got, invalid, isObject, type Json } from './words.ts'

const kinds: ReadonlyMap<unknown, Datatype> = new Map(Object.entries({
  BOOL: 'BOOL', U8: 'UINT8', U16: 'UINT16', U32: 'UINT32', U64: 'UINT64', I8: 'INT8', I16: 'INT16', I32: 'INT32', I64: 'INT64', F16: 'FP16', BF16: 'BF16', F32: 'FP32', F64: 'FP64'
} as const))

/**
 * A safetensors file as the body of a request: the arrays stay where they lie.
 * Source: the format's own description in the README of the safetensors project.
 * @throws Fault malformed, or invalid_value for a kind of numbers that is not read
 */
export function readSafetensors (body: Uint8Array): Json {
  if (body.length < 8) throw broken(`it has ${body.length} bytes`)
  const size = new DataView(body.buffer, body.byteOffset).getBigUint64(0, true)
  if (size > BigInt(body.length - 8)) throw broken(`its first eight bytes say that a header of ${size} bytes follows, and there are ${body.length - 8}`)
  const start = 8 + Number(size)
  const data = body.subarray(start)
  let end = 0
  const arrays = entriesOf(body.subarray(8, start)).map(([name, entry]) => {
    const { dtype, shape, from, to } = checkedEntry(name, entry)
    if (from !== end || to > data.length) throw broken(`the bytes of '${name}' (${from} to ${to}) do not follow those before, which end at ${end}, or pass the end of all, ${data.length}`)
    end = to
    return [name, new StoredArray({ datatype: dtype, shape, bytes: data.subarray(from, to) })] as const
  })
  if (end !== data.length) throw broken(`${data.length - end} bytes are left over after the last array`)
  return bodyOf(arrays)
}

/** What the header says of each array, in the order of their bytes. */
function entriesOf (bytes: Uint8Array): [string, Json][] {
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    throw broken('its header is not JSON')
  }
  if (!isObject(header)) throw broken(`its header is ${got(header)}`)
  const first = (entry: unknown): number => isObject(entry) && Array.isArray(entry.data_offsets) ? Number(entry.data_offsets[0]) : 0
  const last = (entry: unknown): number => isObject(entry) && Array.isArray(entry.data_offsets) ? Number(entry.data_offsets[1]) : 0
  return Object.entries(header as Record<string, Json>).filter(([name]) => name !== '__metadata__').sort(([, a], [, b]) => first(a) - first(b) || last(a) - last(b))
}

function checkedEntry (name: string, entry: unknown): { dtype: Datatype, shape: number[], from: number, to: number } {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {}
  const datatype = kinds.get(dtype)
  if (datatype === undefined) throw invalid(`an array of ${[...kinds.keys()].join(', ')}`, dtype, pointerTo(name))
  const [from, to] = wholes(offsets) ?? []
  const sizes = wholes(shape)
  if (sizes === null || from === undefined || to === undefined) throw broken(`its header says no shape and place of '${name}'`)
  const bytes = sizes.reduce((a, b) => a * b, datatypes[datatype].size)
  if (to - from !== bytes) throw broken(`'${name}' is ${to - from} bytes where its shape needs ${bytes}`)
  return { dtype: datatype, shape: sizes, from, to }
}

const wholes = (value: unknown): number[] | null => Array.isArray(value) && value.every((each) => Number.isSafeInteger(each) && each >= 0) ? value : null

const broken = (what: string): Fault => new Fault('malformed', `the body is no safetensors file: ${what}. safetensors.numpy.save(arrays) makes one`)
