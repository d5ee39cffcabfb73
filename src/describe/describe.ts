import type { Layer } from '../model.ts'
import { axesOf, internalsOf, isRecurrent, places } from '../plan/internals.ts'
import { unitsOf } from '../cells/cells.ts'
import type { Entry, Served } from '../registry/entry.ts'
import { defaultKinds } from '../request/probe.ts'
import { tokenCounts } from '../request/tokens.ts'
import { describeCalls } from './wiring.ts'

export { describeSample } from './sample.ts'
export { describeWeights, type WeightsFormat } from './weights.ts'

/** The answer to /models: every version of every model, those that are not served with the reason. */
export function describeList (entries: readonly Entry[]): { models: object[] } {
  return {
    models: entries.map(({ id, version, status, reason, digest, file, meta }) => ({
      id,
      version,
      status,
      reason,
      description: meta.description,
      digest: digest === '' ? undefined : digest,
      format: file?.format,
      kerasVersion: file?.kerasVersion,
      recurrentLayers: file === null ? undefined : recurrentKeys(file.graph).map(({ key }) => key)
    }))
  }
}

/** The answer to /models/:id: what it takes, what it gives, and what is inside. */
export function describeModel ({ id, version, status, reason, digest, file, meta, receipt }: Served): object {
  const { graph } = file
  const tokens = tokenCounts(graph)
  const calls = describeCalls(file)
  return {
    id,
    version,
    status,
    reason,
    description: meta.description,
    digest,
    format: file.format,
    kerasVersion: file.kerasVersion,
    inputs: graph.inputs.map(({ name, shape, dtype }, n) => ({ name, shape, dtype, tokens: tokens[n] ?? undefined })),
    // What a model gives is named after the layer that gives it; `output` says which of a layer's tensors it is.
    outputs: graph.outputs.map(({ name, ref: { node, index } }) => ({ name, layer: graph.nodes[node].key, output: index, labels: labelsOf(meta, name) })),
    recurrentLayers: recurrentKeys(graph).map(({ key, layer }) => describeRecurrent(key, layer)),
    layers: file.layerOrder.map((path) => ({
      path,
      keys: (calls.get(path) ?? []).map(({ key }) => key),
      type: graph.layers[path].className,
      config: essentials(graph.layers[path]),
      calls: calls.get(path) ?? []
    })),
    features: meta.features,
    text: meta.text,
    raw: meta.scaler === undefined ? undefined : true,
    score: meta.score,
    data: meta.data,
    notes: file.notes,
    receipt
  }
}

function labelsOf ({ outputLabels }: Served['meta'], name: string): readonly string[] | undefined {
  return Array.isArray(outputLabels) ? outputLabels : (outputLabels as Readonly<Record<string, readonly string[]>> | undefined)?.[name]
}

function recurrentKeys ({ nodes, layers }: Served['file']['graph']): { key: string, layer: Layer }[] {
  return nodes.map(({ key, layer }) => ({ key, layer: layers[layer] })).filter(({ layer }) => isRecurrent(layer))
}

/** Config keys that change what a recurrent layer gives. */
const options = ['activation', 'recurrent_activation', 'use_bias', 'reset_after', 'return_sequences', 'return_state', 'go_backwards', 'stateful', 'merge_mode', 'zero_output_for_mask', 'time_major']

const optionsOf = ({ config }: Layer): object => Object.fromEntries(options.filter((name) => config[name] !== undefined).map((name) => [name, config[name]]))

/** A recurrent layer and the names of what it can show. Cells inside it (directions, stacked cells, wrapped layers) are listed by their place. */
function describeRecurrent (key: string, layer: Layer): object {
  const cells = places(layer).map(({ prefix, layer: own, gates, states }) => ({
    place: prefix.slice(0, -1), type: own.className, units: unitsOf(own), gates, states, options: optionsOf(own)
  }))
  const [{ units, gates, states }] = cells
  return {
    key,
    type: layer.className,
    units,
    gates,
    states,
    axes: axesOf(layer),
    options: optionsOf(layer),
    cells: cells.some(({ place }) => place !== '') ? cells : undefined,
    tensors: internalsOf(layer, defaultKinds).filter(({ name }) => name !== 'mask').map(({ name }) => `${key}/${name}`)
  }
}

/** A layer's config without what matters in training only. */
function essentials ({ config }: Layer): object {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !/(_initializer|_regularizer|_constraint)$|^(name|trainable|dtype|seed|batch_shape|batch_input_shape)$/.test(key)))
}
