import { Fault } from '../../errors.ts'
import { decode, shared, sizeOf, type Encoding, type Stored } from '../arrays.ts'
import { isDict, string, type Dict } from '../json.ts'
import type { Tree } from '../tree.ts'

/** A model that tensorflowjs_converter, or tfjs-layers itself, wrote. */
export interface Converted { readonly architecture: unknown, readonly version: string | null, readonly arrays: readonly Stored[] }

const sizes: Readonly<Record<string, Encoding>> = {
  float32: { kind: 'float', bytes: 4, littleEndian: true },
  float16: { kind: 'float', bytes: 2, littleEndian: true },
  int32: { kind: 'signed', bytes: 4, littleEndian: true },
  uint8: { kind: 'unsigned', bytes: 1, littleEndian: true },
  uint16: { kind: 'unsigned', bytes: 2, littleEndian: true },
  bool: { kind: 'unsigned', bytes: 1, littleEndian: true }
}

/** A document of the converter, not an architecture alone. */
export const isConverted = (document: Dict): boolean => 'weightsManifest' in document || 'modelTopology' in document

/** The paths of the shards, in order, as the manifest has them. Throws `bad_file` where the document is no whole model. */
export function shardPaths (document: Dict): string[] {
  if (document.format === 'graph-model') {
    throw new Fault('bad_file', 'this is a TensorFlow.js graph model, which holds no layers: convert the Keras file itself (tensorflowjs_converter --input_format=keras --output_format=tfjs_layers_model), or serve the Keras file')
  }
  if (!isDict(document.modelTopology)) throw new Fault('bad_file', 'model.json has no modelTopology: it holds weights alone. Convert the whole model again')
  return groupsOf(document).flatMap(({ paths }) => paths)
}

function groupsOf (document: Dict): { paths: string[], weights: unknown[] }[] {
  if (!Array.isArray(document.weightsManifest)) throw new Fault('bad_file', 'model.json has no weightsManifest')
  return document.weightsManifest.map((group: unknown) => {
    if (!isDict(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights)) throw new Fault('bad_file', 'a group of the weightsManifest has no paths or no weights')
    if (!group.paths.every((path) => typeof path === 'string' && !path.includes('\0'))) throw new Fault('bad_file', 'a path of the weightsManifest is no text')
    return { paths: group.paths, weights: group.weights }
  })
}

/** A converted model from its `model.json` and the bytes of the shards it names. Throws `bad_file`. */
export function openConverted (document: Dict, shards: ReadonlyMap<string, Buffer>, notes: Set<string>): Converted {
  const topology = document.modelTopology as Dict
  const arrays = groupsOf(document).flatMap(({ paths, weights }) => readGroup(paths, weights, Buffer.concat(paths.map((path) => shards.get(path)!)), notes))
  return { architecture: topology.model_config ?? topology, version: string(topology.keras_version), arrays }
}

function readGroup (paths: readonly string[], weights: readonly unknown[], bytes: Buffer, notes: Set<string>): Stored[] {
  let from = 0
  const arrays = weights.map((entry) => {
    const { stored, length } = arrayOf(entry, bytes, from, notes)
    from += length
    return stored
  })
  if (from !== bytes.length) throw new Fault('bad_file', `the shards ${paths.join(', ')} hold ${bytes.length} bytes where ${from} are expected: one of them is damaged or of another model`)
  return arrays
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
