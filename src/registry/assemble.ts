import { extname } from 'node:path'
import { Fault } from '../errors.ts'
import type { Format, ModelFile } from '../model.ts'
import { Budget } from './budget.ts'
import { refused } from './classes.ts'
import { dtypeNotes } from './config.ts'
import type { Content } from './content.ts'
import { flatten } from './flatten.ts'
import { filedWeights, type Filed } from './formats/h5.ts'
import { Hdf5, isHdf5 } from './formats/hdf5.ts'
import { openKeras } from './formats/keras.ts'
import { isConverted, openConverted, treeOf, type Converted } from './formats/tfjs.ts'
import { parseJson, string } from './json.ts'
import { originOf } from './origin.ts'
import type { Limits } from './read.ts'
import { inRunOrder } from './run-order.ts'
import type { LayerSpec } from './spec.ts'
import { Topology } from './topology.ts'
import { fromTree } from './tree.ts'
import { fromGroups, fromNames, Weights } from './weights.ts'

/** What may be read: see `Limits` of read.ts. */
export type Allowed = Pick<Limits, 'nonFinite' | 'seconds'>

/** A model from its bytes. Throws what `readModel` throws. */
export async function assembleModel (content: Content, allowed: Allowed): Promise<ModelFile> {
  const notes = new Set<string>()
  const { name, main, document, digest } = content
  const reading = { notes, budget: new Budget(content.size), seconds: allowed.seconds / 10 + content.size / 10e6 }
  const whole = (format: Format, parts: Pick<Parts, 'architecture' | 'version' | 'weights'>): ModelFile => assemble({ ...parts, name, format, notes, digest, allowed })
  if (document !== null) {
    if (isConverted(document)) {
      const { architecture, version, arrays } = openConverted(document, content.shards, notes)
      return whole('tfjs', { architecture, version, weights: { arrays } })
    }
    if (content.weights === null) {
      throw new Fault('bad_file', `"${name}" is an architecture alone: put its weights beside it as model.weights.h5 (in Python \`model.save_weights("model.weights.h5")\`, in R \`keras::save_model_weights_hdf5(model, "model.weights.h5")\`)`)
    }
    return await Hdf5.use(content.weights.bytes, content.weights.name, reading, (file) =>
      whole('h5', { architecture: document, version: string(document.keras_version), weights: filedWeights(file, file.has('model_weights') ? 'model_weights' : '') }))
  }
  const extension = extname(name)
  if (!['.keras', '.h5', '.hdf5'].includes(extension)) throw new Fault('bad_file', `"${name}" is no model file: .keras, .h5, .hdf5 and model.json are`)
  // Keras 2 up to 2.12 wrote HDF5 under the name .keras as well: the bytes say what it is.
  if (isHdf5(main)) return await Hdf5.use(main, name, reading, (file) => whole('h5', partsOfH5(file, name)))
  if (extension !== '.keras') throw new Fault('bad_file', `"${name}" is not an HDF5 file: it is damaged, or of another kind`)
  return await openKeras(main, reading, (parts) => whole('keras', parts))
}

function partsOfH5 (file: Hdf5, name: string): Pick<Parts, 'architecture' | 'version' | 'weights'> {
  const config = file.attribute('', 'model_config')
  if (typeof config !== 'string') {
    throw new Fault('bad_file', `"${name}" holds weights alone: the architecture is missing. Write it beside them as model.json (in Python \`open("model.json", "w").write(model.to_json())\`, ` +
      'in R `write(keras::model_to_json(model), "model.json")`), with the weights named model.weights.h5; or save the whole model with model.save("model.keras")')
  }
  const said = file.attribute('', 'keras_version')
  return { architecture: parseJson(config, 'model_config'), version: typeof said === 'string' ? said : null, weights: filedWeights(file, 'model_weights') }
}

interface Parts { name: string, format: Format, architecture: unknown, version: string | null, weights: Filed | Pick<Converted, 'arrays'>, notes: Set<string>, digest: string, allowed: Allowed }

function assemble ({ name, format, architecture, version, weights, notes, digest, allowed }: Parts): ModelFile {
  const origin = originOf(architecture, [version, 'version' in weights ? weights.version : null])
  const model = new Topology(origin).model(architecture)
  const { found, notes: ofWeights } = matched(weights, new Weights(allowed.nonFinite))
  const { graph, layerOrder } = flatten(model, found)
  for (const note of [...ofWeights, ...dtypeNotes(dtypes(model.layers))]) notes.add(note)
  return { name, format, kerasVersion: origin.version, keras: origin.keras, graph: origin.keras === 3 ? inRunOrder(graph) : graph, layerOrder, notes: [...notes], digest }

  function matched (filed: Parts['weights'], into: Weights): Weights {
    if ('arrays' in filed) {
      const tree = treeOf(filed.arrays)
      return tree === null ? fromNames(model, filed.arrays, origin, into) : fromTree(model, tree, origin, into)
    }
    if ('tree' in filed) return fromTree(model, filed.tree, origin, into)
    if (filed.backend === 'theano') refuseFlipped(model.layers)
    // Of a pair, the weights may be by another Keras than the architecture: it is theirs that says how they are kept.
    return fromGroups(model, filed.groups, filed.version === null ? origin : originOf(architecture, [filed.version]), into)
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
