import { readFile, stat } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { Fault } from '../errors.ts'
import type { Format, ModelFile } from '../model.ts'
import { refused } from './classes.ts'
import { dtypeNotes } from './config.ts'
import { flatten } from './flatten.ts'
import { filedWeights, type Filed } from './formats/h5.ts'
import { Hdf5, isHdf5 } from './formats/hdf5.ts'
import { openKeras } from './formats/keras.ts'
import { openConverted, treeOf, type Converted } from './formats/tfjs.ts'
import { isDict, parseJson, string } from './json.ts'
import { originOf } from './origin.ts'
import type { ModelFiles } from './read.ts'
import { inRunOrder } from './run-order.ts'
import type { LayerSpec } from './spec.ts'
import { Topology } from './topology.ts'
import { fromTree } from './tree.ts'
import { fromGroups, fromNames, type Weights } from './weights.ts'

/** Files are read into memory as a whole. */
const largest = 2 ** 31 - 1

/** Reads a model on this thread. Throws what `readModel` throws. */
export async function assembleModel (files: ModelFiles): Promise<ModelFile> {
  const notes = new Set<string>()
  const name = basename(files.main)
  const extension = extname(files.main)
  if (extension === '.json') return await readJson(files, name, notes)
  if (!['.keras', '.h5', '.hdf5'].includes(extension)) throw new Fault('bad_file', `"${name}" is no model file: .keras, .h5, .hdf5 and model.json are`)
  const bytes = await contentOf(files.main)
  // Keras 2 up to 2.12 wrote HDF5 under the name .keras as well: the bytes say what it is.
  if (isHdf5(bytes)) return await readH5(bytes, name, notes)
  if (extension !== '.keras') throw new Fault('bad_file', `"${name}" is not an HDF5 file: it is damaged, or of another kind`)
  return await openKeras(bytes, notes, ({ architecture, version, weights }) => assemble({ name, format: 'keras', architecture, version, weights, notes }))
}

async function contentOf (path: string): Promise<Buffer> {
  const { size } = await stat(path)
  if (size > largest) throw new Fault('bad_file', `"${basename(path)}" has ${size} bytes; models of up to ${largest} are served`)
  return await readFile(path)
}

async function readH5 (bytes: Buffer, name: string, notes: Set<string>): Promise<ModelFile> {
  return await Hdf5.use(bytes, name, notes, (file) => {
    const config = file.attribute('', 'model_config')
    if (typeof config !== 'string') {
      throw new Fault('bad_file', `"${name}" holds weights alone: the architecture is missing. Write it beside them as model.json (in Python \`open("model.json", "w").write(model.to_json())\`, ` +
        'in R `write(keras::model_to_json(model), "model.json")`), with the weights named model.weights.h5; or save the whole model with model.save("model.keras")')
    }
    const said = file.attribute('', 'keras_version')
    return assemble({ name, format: 'h5', architecture: parseJson(config, 'model_config'), version: typeof said === 'string' ? said : null, weights: filedWeights(file, 'model_weights'), notes })
  })
}

async function readJson (files: ModelFiles, name: string, notes: Set<string>): Promise<ModelFile> {
  const document = parseJson((await contentOf(files.main)).toString('utf8'), name)
  if (!isDict(document)) throw new Fault('bad_file', `"${name}" is not an object`)
  if ('weightsManifest' in document || 'modelTopology' in document) {
    const { architecture, version, arrays } = await openConverted(document, files.main, notes)
    return assemble({ name, format: 'tfjs', architecture, version, weights: { arrays }, notes })
  }
  if (files.weights === null) {
    throw new Fault('bad_file', `"${name}" is an architecture alone: put its weights beside it as model.weights.h5 (in Python \`model.save_weights("model.weights.h5")\`, in R \`keras::save_model_weights_hdf5(model, "model.weights.h5")\`)`)
  }
  const what = basename(files.weights)
  return await Hdf5.use(await contentOf(files.weights), what, notes, (file) =>
    assemble({ name, format: 'h5', architecture: document, version: string(document.keras_version), weights: filedWeights(file, file.has('model_weights') ? 'model_weights' : ''), notes }))
}

interface Parts { name: string, format: Format, architecture: unknown, version: string | null, weights: Filed | Pick<Converted, 'arrays'>, notes: Set<string> }

function assemble ({ name, format, architecture, version, weights, notes }: Parts): ModelFile {
  const origin = originOf(architecture, [version, 'version' in weights ? weights.version : null])
  const model = new Topology(origin).model(architecture)
  const found = matched(weights)
  const { graph, layerOrder } = flatten(model, found.found)
  for (const note of dtypeNotes(dtypes(model.layers))) notes.add(note)
  return { name, format, kerasVersion: origin.version, keras: origin.keras, graph: origin.keras === 3 ? inRunOrder(graph) : graph, layerOrder, notes: [...notes] }

  function matched (filed: Parts['weights']): Weights {
    if ('arrays' in filed) {
      const tree = treeOf(filed.arrays)
      return tree === null ? fromNames(model, filed.arrays, origin) : fromTree(model, tree, origin)
    }
    if ('tree' in filed) return fromTree(model, filed.tree, origin)
    if (filed.backend === 'theano') refuseFlipped(model.layers)
    // Of a pair, the weights may be by another Keras than the architecture: it is theirs that says how they are kept.
    return fromGroups(model, filed.groups, filed.version === null ? origin : originOf(architecture, [filed.version]))
  }
}

/** Theano turned kernels round before it laid them on; whether a file's kernels are turned depends on versions that files do not name. */
function refuseFlipped (layers: readonly LayerSpec[]): void {
  for (const layer of layers) {
    if (/Conv/.test(layer.className)) throw refused(layer.name, layer.savedClass, 'it was saved with the Theano backend, which turns kernels round: open the model with Keras 2.2 or older on TensorFlow and save it again')
    refuseFlipped(layer.model?.layers ?? Object.values(layer.children))
  }
}

function * dtypes (layers: readonly LayerSpec[]): Generator<unknown> {
  for (const layer of layers) {
    if (layer.className !== 'InputLayer') yield layer.config.dtype
    yield * dtypes(layer.model?.layers ?? Object.values(layer.children))
  }
}
