import { Fault } from '../errors.ts'
import { inOne, inTwo, type Copying } from './native/copying.ts'
import { bytesOf, sizeOf, type NamedArray, type Packer } from './named.ts'
import { room } from './room.ts'

/** Loaded with the first such answer: what a thread loads when it starts, every start waits for. */
let copy: Copying | undefined

/** Without zip64, places and sizes of a zip archive have four bytes and its members are counted in two. */
const largest = 0xffffffff
const most = 0xffff

const localSize = 30
const centralSize = 46
const endSize = 22

/**
 * Arrays begin at multiples of this, as zipalign has it: V8 copies into shared memory a byte at a time where the two sides are not aligned alike (2.1 ns a float
 * for 0.3), and whoever maps the file finds them aligned.
 */
const alignment = 64
/** What fills up to there is an extra field of the local header: APPNOTE.TXT 4.5, with the identifier that Android's zipalign writes. */
const alignmentField = 0xd935
const fieldSize = 6

/** One file of the archive: an array of NumPy with the header that NumPy gives it. */
interface Member {
  readonly name: Uint8Array
  readonly header: Uint8Array
  readonly size: number
  /** Made when its turn comes, so that no second copy of all of them is held. */
  readonly bytes: () => Uint8Array
}

/**
 * What `numpy.savez` writes: a zip archive of `.npy` files, stored without compression. What is said of the arrays is one more member, `__metadata__`: JSON
 * in UTF-8 as an array of bytes, `json.loads(archive['__metadata__'].tobytes())`.
 * Sources: APPNOTE.TXT 4.3 (zip), NumPy's description of NEP 1 (npy).
 * @throws Fault too_large for 4 GiB and more, or more than 65,535 arrays
 */
export const packNpz: Packer = (metadata, arrays) => {
  const words = Buffer.from(JSON.stringify(metadata))
  const members: Member[] = [
    { name: Buffer.from('__metadata__.npy'), header: npyHeader('|u1', [words.length]), size: words.length, bytes: () => words },
    ...arrays.map((array) => ({
      name: Buffer.from(`${array.name}.npy`), header: npyHeader(array.boolean === true ? '|b1' : '<f4', array.shape), size: sizeOf(array), bytes: () => bytesOf(array)
    }))
  ]
  const atMost = members.reduce((sum, { name, header, size }) => sum + localSize + centralSize + fieldSize + alignment + 2 * name.length + header.length + size, endSize)
  if (atMost >= largest || members.length > most) {
    throw new Fault('too_large', 'this answer does not fit into an npz archive of 4 GiB: ask for fewer sequences, layers, tensors or steps at once, or for application/x-ndjson')
  }
  return archive(members, atMost)
}

function archive (members: readonly Member[], atMost: number): Uint8Array {
  const body = room(atMost).subarray(0, atMost)
  const view = new DataView(body.buffer)
  const carryOn = copy ??= inOne() ?? inTwo()
  let at = 0
  const central = members.map(({ name, header, size, bytes }) => {
    const place = at
    const data = bytes()
    const fieldAt = at + localSize + name.length
    const contentAt = Math.ceil((fieldAt + fieldSize) / alignment) * alignment
    const dataAt = contentAt + header.length
    body.fill(0, at, contentAt)
    const sum = carryOn(data, body.subarray(dataAt, dataAt + size), carryOn(header, body.subarray(contentAt, dataAt), 0))
    view.setUint32(at, 0x04034b50, true)
    writeFacts(view, at + 4, sum, header.length + size, name.length)
    view.setUint16(at + 28, contentAt - fieldAt, true)
    body.set(name, at + localSize)
    view.setUint16(fieldAt, alignmentField, true)
    view.setUint16(fieldAt + 2, contentAt - fieldAt - 4, true)
    view.setUint16(fieldAt + 4, alignment, true)
    at = dataAt + size
    return { place, sum, name, size: header.length + size }
  })
  const centralAt = at
  for (const { place, sum, name, size } of central) {
    body.fill(0, at, at + centralSize)
    view.setUint32(at, 0x02014b50, true)
    view.setUint16(at + 4, 20, true)
    writeFacts(view, at + 6, sum, size, name.length)
    view.setUint32(at + 42, place, true)
    body.set(name, at + centralSize)
    at += centralSize + name.length
  }
  body.fill(0, at)
  view.setUint32(at, 0x06054b50, true)
  view.setUint16(at + 8, members.length, true)
  view.setUint16(at + 10, members.length, true)
  view.setUint32(at + 12, at - centralAt, true)
  view.setUint32(at + 16, centralAt, true)
  return body.subarray(0, at + endSize)
}

/** What both headers of a member say: version 2.0, names in UTF-8, stored; the first day that zip knows; its sum and sizes. Fields left out are 0. */
function writeFacts (view: DataView, at: number, sum: number, size: number, nameLength: number): void {
  view.setUint16(at, 20, true)
  view.setUint16(at + 2, 1 << 11, true)
  view.setUint16(at + 8, (1 << 5) | 1, true)
  view.setUint32(at + 10, sum, true)
  view.setUint32(at + 14, size, true)
  view.setUint32(at + 18, size, true)
  view.setUint16(at + 22, nameLength, true)
}

/** Version 1.0: the magic, the length of the rest in two bytes, a Python literal filled with spaces so that the data starts at a multiple of 64. */
function npyHeader (descr: string, shape: NamedArray['shape']): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const literal = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`
  const size = Math.ceil((10 + literal.length + 1) / 64) * 64
  const header = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${literal.padEnd(size - 11)}\n`, 'latin1')
  header.writeUInt16LE(size - 10, 8)
  return header
}
