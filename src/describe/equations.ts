import type { Layer } from '../model.ts'
import { equation } from '../ops/activations.ts'

/**
 * What a cell computes at each step, in words a reader can check a weight against: its own activations, its own biases, the weights by the names
 * they are listed under. `layer` is the layer or cell whose config and weights are meant; `backwards`: it is run from the last step to the first.
 */
export function equationsOf (layer: Layer, keras: 1 | 2 | 3, backwards = layer.config.go_backwards === true): string[] {
  const { config, className } = layer
  const activation = nameOf(config.activation)
  const recurrent = nameOf(config.recurrent_activation)
  const convolution = className.startsWith('ConvLSTM')
  const product = convolution ? (x: string, w: string) => `conv(${x}, ${w})` : (x: string, w: string) => `${x} ${w}`
  const bias = layer.weights.bias !== undefined
  const plus = (name: string): string => bias ? ` + ${name}` : ''
  /** x_t W + h_{t-1} U + b of one block. */
  const heard = (letter: string): string => `${product('x_t', `W${letter}`)} + ${product('h_{t-1}', `U${letter}`)}${plus(`b${letter}`)}`
  const lines: string[] = []

  if (className === 'SimpleRNN' || className === 'SimpleRNNCell') {
    lines.push(`h_t = ${activation}(${heard('')})`)
  } else if (className === 'GRU' || className === 'GRUCell') {
    const after = config.reset_after === true
    for (const letter of ['z', 'r']) lines.push(`${letter}_t = ${recurrent}(${heard(`_${letter}`)}${after ? plus(`rb_${letter}`) : ''})`)
    lines.push(after
      ? `hh_t = ${activation}(x_t W_h${plus('b_h')} + r_t * (h_{t-1} U_h${plus('rb_h')}))`
      : `hh_t = ${activation}(x_t W_h + (r_t * h_{t-1}) U_h${plus('b_h')})`)
    lines.push('h_t = z_t * h_{t-1} + (1 - z_t) * hh_t')
  } else {
    for (const [gate, letter, name] of [['i', '_i', recurrent], ['f', '_f', recurrent], ['g', '_c', activation], ['o', '_o', recurrent]]) {
      lines.push(`${gate}_t = ${name}(${heard(letter)})`)
    }
    lines.push('c_t = f_t * c_{t-1} + i_t * g_t', `h_t = o_t * ${activation}(c_t)`)
  }

  const used = new Map([[recurrent, config.recurrent_activation], [activation, config.activation]])
  if (className.startsWith('SimpleRNN')) used.delete(recurrent)
  for (const [name, given] of used) {
    const formula = equation(given, keras).replace(/\bx\b/g, 'z')
    if (formula !== `${name}(z)`) lines.push(`${name}(z) = ${formula}`)
  }
  if (convolution) lines.push(`conv: Keras' convolution, of x_t with padding ${JSON.stringify(config.padding)} and strides ${JSON.stringify(config.strides)}${dilation(config.dilation_rate)}, of h_{t-1} with padding "same" and strides 1`)
  if (backwards) lines.push('the input is read from its last step to its first: t-1 is the step read before t')
  lines.push('* is element by element; the same arrays serve every step t, so time_steps is in no shape')
  return lines
}

const dilation = (rate: unknown): string => rate === undefined || [rate].flat().every((each) => each === 1) ? '' : ` and dilation ${JSON.stringify(rate)}`

/** An activation as a config names it: a name, or an object for a function or a layer. */
function nameOf (given: unknown): string {
  if (given === null || given === undefined) return 'linear'
  if (typeof given === 'string') return given
  const { config, class_name: className } = given as { config?: unknown, class_name?: unknown }
  return typeof config === 'string' ? config : String(className)
}
