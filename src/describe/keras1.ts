import { cellOf } from '../cells/cells.ts'
import type { Layer, Weight } from '../model.ts'
import { gateWeights } from './gates.ts'

/** Classes that Keras 1 kept gate by gate, with its order of the gates: what `preprocess_weights_for_loading` of Keras 2 undoes. Arrays without a letter stand by themselves. */
const orders: Readonly<Record<string, readonly string[]>> = { LSTM: ['i', 'c', 'f', 'o'], ConvLSTM2D: ['i', 'c', 'f', 'o'], GRU: ['z', 'r', 'h'], SimpleRNN: ['W', 'U', 'b'] }

/**
 * A layer's own arrays as Keras 1 had them: W, U and b of one gate after the other. What it had not (cells by themselves, recurrent layers without bias,
 * a GRU with two) and all other layers by the names of today.
 */
export function keras1Weights (layer: Layer): [string, Weight][] {
  const { className, weights, config } = layer
  const old = Object.hasOwn(orders, className) && weights.bias !== undefined && config.reset_after !== true && config.data_format !== 'channels_first'
  if (!old) return Object.entries(weights)
  const named = gateWeights(layer, cellOf(layer)!)
  return orders[className].flatMap((letter) => named.filter(({ name }) => name.slice(name.indexOf('_') + 1) === letter).map(({ name, weight }): [string, Weight] => [name, weight]))
}
