import { randomUUID } from 'node:crypto'
import type { Attribute, Dataset, File, Group, Metadata } from 'h5wasm'
import { Fault } from '../../errors.ts'
import { decode, sizeOf, type Encoding, type Stored } from '../arrays.ts'
import type { Budget } from '../budget.ts'
import { tookTooLong, within } from './within.ts'

/** Groups within groups deeper than any Keras writes. */
const deepest = 64

/** Things that are looked up in a file take more bytes than this each; one where they seem not to has groups that hold each other. */
const bytesEach = 16
const lookupsFree = 1000

/** What is kept of one reading: what is to be said of the numbers, how much the file may declare, and the seconds that the library and what is made of its numbers may take. */
export interface Reading { readonly notes: Set<string>, readonly budget: Budget, readonly seconds: number }

/** Do the bytes begin as an HDF5 file's do? */
export const isHdf5 = (bytes: Uint8Array): boolean => Buffer.from(bytes.subarray(0, 8)).toString('latin1') === '\x89HDF\r\n\x1a\n'

type Library = typeof import('h5wasm')
type Module = Awaited<Library['default']['ready']>

let library: Promise<Library> | null = null
let loads = 0

/** How many instances of the library damaged files have broken so far. */
export const brokenInstances = (): number => Math.max(0, loads - 1)

/** h5wasm, with the messages of its C library silenced: what is wrong is said by whoever asked. */
async function load (): Promise<Library> {
  // An address of its own makes a new instance: one that a damaged file has broken is not used again.
  const loaded = await import(`${import.meta.resolve('h5wasm')}?${++loads}`) as Library
  const { FS } = await loaded.default.ready
  const { streams } = FS as unknown as { streams: readonly { readonly tty: { ops: object } }[] }
  const silent = { put_char: () => {}, fsync: () => {} }
  for (const stream of [1, 2]) streams[stream].tty.ops = silent
  return loaded
}

/** An HDF5 file in memory. Whatever is wrong with it comes out as `bad_file`. */
export class Hdf5 {
  readonly #file: File
  readonly #library: Library
  readonly #module: Module
  readonly #reading: Reading
  /** Paths that were reached without links. */
  readonly #plain = new Set<string>()
  #lookups: number

  private constructor (file: File, size: number, library: Library, module: Module, reading: Reading) {
    this.#file = file
    this.#lookups = lookupsFree + size / bytesEach
    this.#library = library
    this.#module = module
    this.#reading = reading
  }

  /** Opens the bytes, gives them to `use`, and lets go of them again. */
  static async use<R> (bytes: Uint8Array, what: string, reading: Reading, use: (file: Hdf5) => R): Promise<R> {
    if (!isHdf5(bytes)) throw new Fault('bad_file', `"${what}" is not an HDF5 file`)
    const h5wasm = await (library ??= load())
    const module = await h5wasm.default.ready
    // The library sees no disk but one in memory; under a name that no file can know, so that one with its numbers in another file finds none.
    const name = `${randomUUID()}.h5`
    // Without a copy; the library's types do not know the option.
    module.FS.writeFile(name, bytes, { canOwn: true } as object)
    let file = null as File | null
    try {
      // Sizes and addresses that are damaged send the library round in circles.
      return within(reading.seconds, () => {
        file = new h5wasm.File(name, 'r')
        if (file.file_id < 0) throw new Error('it cannot be opened')
        const result = use(new Hdf5(file, bytes.length, h5wasm, module, reading))
        file.close()
        return result
      })
    } catch (error) {
      // A file whose layers are none of ours is as sound as any other.
      if (error instanceof Fault && error.code === 'unsupported_layer') {
        file?.close()
        throw error
      }
      // Closing a damaged file may never end, and what it did to the library's memory is not known: both are left to themselves.
      library = null
      if (error instanceof Fault) throw error
      if (tookTooLong(error)) throw new Fault('bad_file', `reading "${what}" did not come to an end within ${Number(reading.seconds.toFixed(1))} seconds: it is damaged, or IMPORT_TIMEOUT_S, of which an HDF5 file has a tenth, is too short for it here`)
      throw new Fault('bad_file', `"${what}" is damaged: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      module.FS.unlink(name)
    }
  }

  /** An attribute of a group, as text or texts; null where there is none of the kind. */
  attribute (group: string, name: string): string | string[] | null {
    const { attrs } = this.#group(group)
    if (!Object.hasOwn(attrs, name)) return null
    const attribute = attrs[name] as Attribute
    const { size, total_size: count } = attribute.metadata
    this.#reading.budget.take(size * count, `the attribute "${name}" of "${group}"`)
    const value: unknown = attribute.value
    if (typeof value === 'string') return value
    return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : null
  }

  /** Texts of an attribute that Keras cuts in pieces (`weight_names0`, ...) where it is larger than 64 KB; null where there is none. */
  texts (group: string, name: string): string[] | null {
    const names = Object.keys(this.#group(group).attrs)
    if (names.includes(name)) return this.#list(group, name)
    const all: string[] = []
    let piece = 0
    for (; names.includes(`${name}${piece}`); piece++) all.push(...this.#list(group, `${name}${piece}`))
    return piece === 0 ? null : all
  }

  /** An empty list is written as numbers. */
  #list (group: string, name: string): string[] {
    const value = this.attribute(group, name)
    return value === null ? [] : typeof value === 'string' ? [value] : value
  }

  has (path: string): boolean {
    return this.#get(path) !== null
  }

  /** What lies at a path; null where there is nothing. Throws `bad_file` where a link leads there: it may lead out of the file, and Keras writes none. */
  #get (path: string): ReturnType<File['get']> {
    const steps = path.split('/')
    if (--this.#lookups < 0) throw new Fault('bad_file', 'the groups of the file hold each other, or are too many')
    if (steps.length > deepest) throw new Fault('bad_file', `"${path}" lies too deep`)
    for (let n = 1; n <= steps.length; n++) this.#refuseLink(steps.slice(0, n).join('/'))
    return this.#file.get(path)
  }

  #refuseLink (path: string): void {
    if (path === '' || this.#plain.has(path)) return
    const { file_id: id } = this.#file
    if (this.#module.get_symbolic_link(id, path) !== null) throw new Fault('bad_file', `"${path}" is a soft link in the file: Keras writes none, and none is followed`)
    if ('filename' in this.#module.get_external_link(id, path)) throw new Fault('bad_file', `"${path}" is a link to another file: Keras writes none, and none is followed`)
    this.#plain.add(path)
  }

  #group (path: string): Group {
    const group = path === '' ? this.#file : this.#get(path)
    if (!(group instanceof this.#library.Group)) throw new Fault('bad_file', `the file has no group "${path}"`)
    return group
  }

  members (path: string): string[] {
    return this.#group(path).keys()
  }

  isGroup (path: string): boolean {
    return this.#get(path) instanceof this.#library.Group
  }

  /** The array at a path. Throws `bad_file` where there is none, or no numbers in it. */
  array (path: string): Stored {
    const dataset = this.#get(path)
    if (!(dataset instanceof this.#library.Dataset)) throw new Fault('bad_file', `the array "${path}" is not in the file`)
    const { metadata } = dataset
    const { shape } = metadata
    if (shape === null || metadata.virtual_sources !== undefined) throw new Fault('bad_file', `the array "${path}" has no numbers of its own in the file`)
    const encoding = encodingOf(metadata, path)
    this.#reading.budget.take(sizeOf(shape) * Math.max(encoding.bytes, 4), `the array "${path}"`)
    if (encoding.kind === 'float' && encoding.bytes === 8) this.#reading.notes.add('weights of float64 were rounded to float32')
    return { name: path, shape: shape.map(Number), read: () => this.#read(dataset, encoding) }
  }

  #read (dataset: Dataset, encoding: Encoding): Float32Array {
    const module = this.#module
    const length = sizeOf(dataset.metadata.shape!)
    const bytes = length * encoding.bytes
    const at = module._malloc(Math.max(bytes, 1))
    if (at === 0) throw new Fault('bad_file', `the array "${dataset.path}" is too large to be read`)
    try {
      const status = module.get_dataset_data(dataset.file_id, dataset.path, null, null, null, BigInt(at))
      if (status < 0) throw new Fault('bad_file', `the array "${dataset.path}" cannot be read: the file is damaged`)
      return decode(module.HEAPU8.subarray(at, at + bytes), encoding, length, dataset.path)
    } finally {
      module._free(at)
    }
  }
}

/** Numbers come from the library in this machine's order of bytes (little-endian on all that Node runs on); bfloat16 is opaque to it. */
function encodingOf ({ type, size, signed }: Metadata, path: string): Encoding {
  switch (type) {
    case 0: return { kind: signed ? 'signed' : 'unsigned', bytes: size, littleEndian: true }
    case 1: return { kind: 'float', bytes: size, littleEndian: true }
    case 5: return { kind: 'bfloat', bytes: size, littleEndian: true }
    default: throw new Fault('bad_file', `the array "${path}" holds no numbers`)
  }
}
