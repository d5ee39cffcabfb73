import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { Fault } from '../../errors.ts'
import { decode, shared, sizeOf, type Encoding, type Stored } from '../arrays.ts'
import { isDict, string, type Dict } from '../json.ts'
import type { Tree } from '../tree.ts'

/** A model that tensorflowjs_converter, or tfjs-layers itself, wrote. */
export interface Converted { readonly architecture: unknown, readonly version: string | null, readonly arrays: readonly Stored[] }

/** All shards together. */
const largest = 2 ** 31 - 1

const sizes: Readonly<Record<string, Encoding>> = {
  float32: { kind: 'float', bytes: 4, littleEndian: true },
  float16: { kind: 'float', bytes: 2, littleEndian: true },
  int32: { kind: 'signed', bytes: 4, littleEndian: true },
  uint8: { kind: 'unsigned', bytes: 1, littleEndian: true },
  uint16: { kind: 'unsigned', bytes: 2, littleEndian: true },
  bool: { kind: 'unsigned', bytes: 1, littleEndian: true }
}

/** Reads `model.json` (already parsed) and its shards, which must lie in the folder of `path`. Throws `bad_file`. */
export async function openConverted (document: Dict, path: string, notes: Set<string>): Promise<Converted> {
  if (document.format === 'graph-model') {
    throw new Fault('bad_file', 'this is a TensorFlow.js graph model, which holds no layers: convert the Keras file itself (tensorflowjs_converter --input_format=keras --output_format=tfjs_layers_model), or serve the Keras file')
  }
  const topology = document.modelTopology
  if (!isDict(topology)) throw new Fault('bad_file', 'model.json has no modelTopology: it holds weights alone. Convert the whole model again')
  if (!Array.isArray(document.weightsManifest)) throw new Fault('bad_file', 'model.json has no weightsManifest')
  const arrays: Stored[] = []
  for (const group of document.weightsManifest) arrays.push(...await readGroup(group, dirname(path), notes))
  return { architecture: topology.model_config ?? topology, version: string(topology.keras_version), arrays }
}

async function readGroup (group: unknown, folder: string, notes: Set<string>): Promise<Stored[]> {
  if (!isDict(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights)) throw new Fault('bad_file', 'a group of the weightsManifest has no paths or no weights')
  const parts: Buffer[] = []
  for (const path of group.paths) parts.push(await readShard(path, folder))
  const bytes = Buffer.concat(parts)
  let from = 0
  const arrays = group.weights.map((entry) => {
    const { stored, length } = arrayOf(entry, bytes, from, notes)
    from += length
    return stored
  })
  if (from !== bytes.length) throw new Fault('bad_file', `the shards ${group.paths.join(', ')} hold ${bytes.length} bytes where ${from} are expected: one of them is damaged or of another model`)
  return arrays
}

/** A shard's path is data from a stranger: it must name a file in the model's own folder. */
async function readShard (path: unknown, folder: string): Promise<Buffer> {
  if (typeof path !== 'string' || path.includes('\0')) throw new Fault('bad_file', 'a path of the weightsManifest is no text')
  let file: string
  try {
    file = await realpath(join(folder, path))
    const home = await realpath(folder)
    if (!file.startsWith(home.endsWith(sep) ? home : home + sep)) throw new Fault('bad_file', `the shard "${path}" lies outside the model's folder`)
    const { size } = await stat(file)
    if (size > largest) throw new Fault('bad_file', `the shard "${path}" has ${size} bytes, which is too large to be served`)
    return await readFile(file)
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('bad_file', `the shard "${path}" cannot be read: put every file of the converted model beside model.json`)
  }
}

function arrayOf (entry: unknown, bytes: Buffer, from: number, notes: Set<string>): { stored: Stored, length: number } {
  const name = isDict(entry) ? string(entry.name) : null
  if (!isDict(entry) || name === null) throw new Fault('bad_file', 'a weight of the weightsManifest has no name')
  const { shape } = entry
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) throw new Fault('bad_file', `weight "${name}" has no usable shape: ${JSON.stringify(shape)}`)
  const quantization = isDict(entry.quantization) ? entry.quantization : null
  const encoding = sizes[String(quantization === null ? entry.dtype : quantization.dtype)]
  if (encoding === undefined) throw new Fault('bad_file', `weight "${name}" holds numbers of the kind ${JSON.stringify(quantization?.dtype ?? entry.dtype)}, which is none`)
  const length = sizeOf(shape) * encoding.bytes
  if (!(from + length <= bytes.length)) throw new Fault('bad_file', `the shards end at byte ${bytes.length}, in the middle of weight "${name}": one of them is missing or cut short`)
  const own = bytes.subarray(from, from + length)
  if (quantization !== null) notes.add(`weights were quantised to ${String(quantization.dtype)} when the model was converted: it answers as the quantised model does`)
  return { length, stored: { name, shape, read: () => restored(decode(own, encoding, sizeOf(shape), name), quantization, name) } }
}

/** value * scale + min, in double precision as TensorFlow.js does. */
function restored (values: Float32Array, quantization: Dict | null, name: string): Float32Array {
  if (quantization === null || quantization.dtype === 'float16') return values
  const { min, scale } = quantization
  if (typeof min !== 'number' || typeof scale !== 'number') throw new Fault('bad_file', `weight "${name}" is quantised without min and scale`)
  const wide = shared(values.length)
  for (let n = 0; n < values.length; n++) wide[n] = values[n] * scale + min
  return wide
}

/** Arrays named as in a `.keras` file (`layers/lstm/cell/vars/0`) as its tree; null where they are named otherwise. */
export function treeOf (arrays: readonly Stored[]): Tree | null {
  if (arrays.length === 0 || !arrays.every(({ name }) => /^\/?(layers|_layer_checkpoint_dependencies)\/.*vars\/\d+$/.test(name))) return null
  const root = { name: '', arrays: [] as Stored[], groups: new Map<string, Tree>() }
  for (const stored of [...arrays].sort((a, b) => place(a) - place(b))) {
    const steps = stored.name.split('/').filter((step) => step !== '').slice(0, -2)
    let group = root
    for (const step of steps) {
      if (!group.groups.has(step)) group.groups.set(step, { name: group.name === '' ? step : `${group.name}/${step}`, arrays: [], groups: new Map() })
      group = group.groups.get(step) as typeof root
    }
    group.arrays.push(stored)
  }
  return root
}

const place = ({ name }: Stored): number => Number(name.slice(name.lastIndexOf('/') + 1))
