import { inflateSync } from 'fflate'
import { isKind, nested, numbersOf, type Flat } from './arrays.ts'
import { listed, Unreadable, type Reading, type Takes } from './reading.ts'

/**
 * Inputs of `numpy.savez`, `numpy.savez_compressed` (`.npz`) or `numpy.save` (`.npy`): one array of any name for a model of one input, else an array by the name of each.
 * Throws Unreadable.
 */
export function readNpz (file: Uint8Array, { inputs }: Takes): Reading {
  const arrays = isNpy(file) ? new Map([['the array', readNpy(file, 'the array')]]) : arraysOf(file)
  const said = arrays.delete('__metadata__') ? ['__metadata__ of the file says something of its arrays, and is none: it is left out.'] : []
  const state = [...arrays.keys()].find((name) => name.startsWith('initialState/'))
  if (state !== undefined) throw new Unreadable(`The array ${state} is a state to start from. Here every sequence starts from zeros: take it out of the file, or send the file to the service itself.`)
  const names = inputs.map(({ name }) => name)
  const known = names.length === arrays.size && names.every((name) => arrays.has(name))
  if (!known && (names.length > 1 || arrays.size !== 1)) {
    throw new Unreadable(`The file has the arrays ${listed([...arrays.keys()])}. This model needs ${names.length === 1 ? `one array, or one named ${names[0]} alone` : `exactly ${listed(names)}`}.`)
  }
  const [[first, only]] = arrays
  if (names.length === 1) return { inputs: nested(only, first), said }
  return { inputs: Object.fromEntries(names.map((name) => [name, nested(arrays.get(name)!, name)])), said }
}

const isNpy = (file: Uint8Array): boolean => file.length > 6 && file[0] === 0x93 && latin(file.subarray(1, 6)) === 'NUMPY'

const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

/**
 * A `.npy` file: magic, version, the length of the header, a Python literal, the numbers. Source: numpy.lib.format.
 * @param name of the array, for messages
 */
export function readNpy (file: Uint8Array, name: string): Flat {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  if (!isNpy(file) || file.length < 12 || file[6] < 1 || file[6] > 3) throw new Unreadable(`${name} is no array of NumPy.`)
  const [start, length] = file[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)]
  const header = new TextDecoder().decode(file.subarray(start, start + length))
  const descr = /'descr'\s*:\s*'([<>|=])([a-zA-Z]\d+)'/.exec(header)
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)
  const shape = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(header)
  if (order === null || shape === null || start + length > file.length) throw new Unreadable(`${name} has a header that says no fortran_order and shape: the file is damaged.`)
  if (descr === null || !isKind(descr[2])) throw new Unreadable(`${name} holds ${/'descr'\s*:\s*('[^']*'|\[)/.exec(header)?.[1] ?? 'another kind of values'}: numbers are read, x.astype('float32') makes such.`)
  const sizes = [...shape[1].matchAll(/\d+/g)].map(Number)
  return { shape: sizes, order: order[1] === 'True' ? 'F' : 'C', data: numbersOf(file.subarray(start + length), descr[2], descr[1] !== '>', sizes, name) }
}

/**
 * The arrays of a zip archive, by its central directory (APPNOTE.TXT 4.3.12). fflate inflates them; its own reader of archives passes over their checksums, by which
 * alone a changed number shows.
 */
function arraysOf (file: Uint8Array): Map<string, Flat> {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const damaged = new Unreadable('This is no npz archive, or a damaged one: numpy.savez(file, x=...) makes one.')
  let end = file.length - 22
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--
  if (end < 0) throw damaged
  const arrays = new Map<string, Flat>()
  let at = view.getUint32(end + 16, true)
  for (let n = view.getUint16(end + 10, true); n > 0; n--) {
    if (at + 46 > file.length || view.getUint32(at, true) !== 0x02014b50) throw damaged
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)]
    const [sum, packed, size] = [16, 20, 24].map((offset) => view.getUint32(at + offset, true))
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true))
    const local = view.getUint32(at + 42, true)
    const name = new TextDecoder().decode(file.subarray(at + 46, at + 46 + nameLength))
    at += 46 + nameLength + extra + comment
    if (!name.endsWith('.npy')) throw new Unreadable(`The archive holds ${name}, which is no array: numpy.savez(file, x=...) makes an npz.`)
    if ((flags & 1) !== 0 || (method !== 0 && method !== 8)) throw new Unreadable(`${name} is encrypted, or compressed in a way that NumPy does not use.`)
    if (local + 30 > file.length) throw damaged
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
    const whole = unpacked(file.subarray(start, start + packed), method, size)
    if (whole === null || whole.length !== size || crc32(whole) !== sum) throw new Unreadable(`The checksum of ${name} is wrong: the file is damaged.`)
    const own = name.slice(0, -'.npy'.length)
    if (arrays.has(own)) throw new Unreadable(`There are two arrays ${own} in the file.`)
    arrays.set(own, readNpy(whole, own))
  }
  return arrays
}

/** Null for bytes that cannot be inflated. */
function unpacked (bytes: Uint8Array, method: number, size: number): Uint8Array | null {
  if (method === 0) return bytes
  try {
    return inflateSync(bytes, { out: new Uint8Array(size) })
  } catch {
    return null
  }
}

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = (n & 1) === 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1
  return n
})

/** The checksum of zip archives (ISO 3309). */
function crc32 (bytes: Uint8Array): number {
  let sum = 0xffffffff
  for (const byte of bytes) sum = table[(sum ^ byte) & 255] ^ (sum >>> 8)
  return (sum ^ 0xffffffff) >>> 0
}
