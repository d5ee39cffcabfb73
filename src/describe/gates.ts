import type { Cell } from '../cells/cell.ts'
import type { Layer, Weight } from '../model.ts'

export interface NamedWeight { readonly name: string, readonly weight: Weight, readonly axes: readonly string[] | null }

/**
 * Keras keeps the gates of a cell side by side on the last axis of three arrays; here each gate has its own: `W_i` from `kernel`, `U_i` from
 * `recurrent_kernel`, `b_i` from `bias`. A bias of two rows (GRU with reset_after) is `b_z` for the input and `rb_z` for the recurrent part.
 */
export function gateWeights ({ className, weights }: Layer, { gates }: Cell): NamedWeight[] {
  const image = className === 'ConvLSTM2D' ? ['row', 'column'] : className === 'ConvLSTM1D' ? ['column'] : []
  const { kernel, recurrent_kernel: recurrent, bias } = weights
  return gates.flatMap(({ letter }, n) => {
    const end = letter === '' ? '' : `_${letter}`
    const cut = (weight: Weight): Weight => block(weight, n, gates.length)
    const named: NamedWeight[] = [
      { name: `W${end}`, weight: cut(kernel), axes: [...image, 'feature', 'unit'] },
      { name: `U${end}`, weight: cut(recurrent), axes: [...image, 'unit', 'unit'] }
    ]
    if (bias === undefined) return named
    const rows = bias.shape.length === 1 ? [bias] : [0, 1].map((row) => rowOf(bias, row))
    return [...named, ...rows.map((row, which) => ({ name: `${which === 0 ? 'b' : 'rb'}${end}`, weight: cut(row), axes: ['unit'] }))]
  })
}

/** The nth of `count` equal parts of the last axis. */
function block ({ shape, data }: Weight, n: number, count: number): Weight {
  const width = shape[shape.length - 1]
  const size = width / count
  const rows = data.length / width
  const part = new Float32Array(rows * size)
  for (let row = 0; row < rows; row++) part.set(data.subarray(row * width + n * size, row * width + (n + 1) * size), row * size)
  return { shape: [...shape.slice(0, -1), size], data: part }
}

const rowOf = ({ shape, data }: Weight, row: number): Weight => ({ shape: [shape[1]], data: data.subarray(row * shape[1], (row + 1) * shape[1]) })

/** Axis words of the weights of common layers, Keras' layouts; null where there are no good words. */
export function axesOf ({ className }: Layer, name: string, rank: number): readonly string[] | null {
  if (className === 'Dense') return name === 'kernel' ? ['feature', 'unit'] : ['unit']
  if (className === 'Embedding') return ['token', 'unit']
  if (className.endsWith('Normalization')) return rank === 1 ? ['feature'] : null
  const space = /(Conv)(1D|2D)$/.exec(className)?.[2]
  if (space === undefined) return null
  if (name === 'bias') return ['unit']
  const image = space === '1D' ? ['step'] : ['row', 'column']
  return [...image, 'feature', name.startsWith('depthwise') || className.startsWith('Depthwise') ? 'multiplier' : 'unit']
}
