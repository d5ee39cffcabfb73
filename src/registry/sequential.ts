import { Fault } from '../errors.ts'
import { isDict, type Dict } from './json.ts'
import type { CallSpec, LayerSpec, ModelSpec } from './spec.ts'

/**
 * A Sequential model: each layer called on what the one before gives. Where it has no InputLayer one is put first, of the shape that the
 * first layer (`batch_input_shape`) or the model (`build_input_shape`) tells.
 */
export function sequence (layers: readonly LayerSpec[], entries: readonly Dict[], config: Dict, what: string): ModelSpec {
  if (layers.length === 0) throw new Fault('bad_file', `${what} (Sequential) has no layers`)
  const first = layers[0]
  const all = first.className === 'InputLayer' ? layers : [inputLayer(first, entries[0], config, what), ...layers]
  const calls = all.map((layer, n): readonly CallSpec[] => {
    if (n > 0 && layer.className === 'InputLayer') throw new Fault('bad_file', `${what} (Sequential) has an InputLayer that is not the first`)
    return [{ args: n === 0 ? [] : [{ tensor: { layer: n - 1, call: 0, index: 0 } }], kwargs: {} }]
  })
  return { layers: all, calls, inputs: [0], outputs: [{ layer: all.length - 1, call: 0, index: 0 }] }
}

function inputLayer (first: LayerSpec, entry: Dict, config: Dict, what: string): LayerSpec {
  const own = isDict(entry.config) ? entry.config : {}
  const shape = own.batch_input_shape ?? own.batch_shape ?? config.build_input_shape ?? insideOf(first) ?? shapeOfKeras1(first)
  if (!Array.isArray(shape)) {
    throw new Fault('bad_file', `${what} (Sequential) does not say the shape of its input: build the model (model.build, or predict once) before it is saved`)
  }
  const dtype = own.input_dtype ?? (first.className === 'Embedding' ? 'int32' : 'float32')
  const name = `${first.name}_input`
  return { name, className: 'InputLayer', savedClass: 'InputLayer', config: { name, batch_shape: shape, dtype }, trainable: true, children: {}, model: null }
}

/** The input shape of a wrapped or nested first layer. */
function insideOf (layer: LayerSpec): unknown {
  if (layer.model !== null) {
    const { config } = layer.model.layers[layer.model.inputs[0]]
    return config.batch_shape ?? config.batch_input_shape
  }
  const inner = layer.children.forward ?? layer.children.layer
  return layer.className === 'Bidirectional' && inner !== undefined ? inner.config.batch_input_shape : undefined
}

/** Keras 1 may write `input_dim` and `input_length` alone. */
function shapeOfKeras1 ({ className, config }: LayerSpec): unknown {
  if (className === 'Embedding') return [null, config.input_length ?? null]
  if (typeof config.input_dim !== 'number') return undefined
  return className === 'Dense' ? [null, config.input_dim] : [null, config.input_length ?? null, config.input_dim]
}
