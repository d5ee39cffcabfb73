import { Fault } from '../../errors.ts'
import type { ModelFile, Values } from '../../model.ts'
import type { Choose } from '../../run/gradients.ts'
import type { Players } from './players.ts'
import type { Relevance } from './study.ts'

/** The number that is explained, of some sequences of the batch, a row each. */
export interface Explained {
  /** From what the plan gives, `[row, ..., unit]`, in float64. Throws Fault where the output has no such entry. */
  readonly read: (values: Values, sequences: readonly number[]) => number[]
  /** The same on an engine, `[row]`, for gradients. */
  readonly pick: (sequences: readonly number[]) => Choose
}

/** Where an output has the steps of the inputs, it is that at the last step which the model reads: what comes behind is padding. Of other axes between, the last entry. */
export function explained ({ graph }: ModelFile, { target: { output: { name, index }, dense }, stepwise }: Pick<Relevance, 'target' | 'stepwise'>, { of, last }: Players): Explained {
  const layer = dense === null ? null : graph.layers[dense]
  const steps = of.length / last.length
  const stepOf = (sequence: number): number => last[sequence] < 0 ? steps - 1 : last[sequence]
  const check = (units: number): void => {
    if (index >= units) throw new Fault('invalid_value', `output ${JSON.stringify(name)} has ${units === 1 ? 'one value' : `${units} values`} for a sequence, counted from 0: there is none at ${index}`, '/output')
  }
  return {
    read: ({ shape, data }, sequences) => {
      const units = shape.length === 1 ? 1 : shape[shape.length - 1]
      const each = data.length / shape[0]
      const vectors = sequences.map((sequence, row) => {
        const end = (row + 1) * each - (shape.length > 2 && stepwise ? steps - 1 - stepOf(sequence) : 0) * each / (shape[1] ?? 1)
        return data.subarray(end - units, end)
      })
      if (layer === null) {
        check(units)
        return vectors.map((values) => values[index])
      }
      const { kernel, bias } = layer.weights
      const outputs = kernel.shape[1]
      check(outputs)
      return vectors.map((values) => values.reduce((sum: number, x, n) => sum + x * kernel.data[n * outputs + index], bias?.data[index] ?? 0))
    },
    pick: (sequences) => (ops, output, weightsOf) => {
      let x = output
      const shape = ops.shape(x)
      if (shape.length > 2 && stepwise) {
        const chosen = new Float32Array(sequences.length * steps)
        sequences.forEach((sequence, row) => { chosen[row * steps + stepOf(sequence)] = 1 })
        x = ops.reduce('sum', ops.mul(x, ops.constant(chosen, [sequences.length, steps, ...shape.slice(2).map(() => 1)])), [1])
      }
      while (ops.shape(x).length > 2) x = ops.squeeze(ops.slice(x, 1, -1), 1)
      if (ops.shape(x).length === 1) return x
      if (layer === null) return ops.squeeze(ops.slice(x, 1, index, index + 1), 1)
      const { kernel, bias } = weightsOf(layer)
      const product = ops.squeeze(ops.matmul(x, ops.slice(kernel, 1, index, index + 1)), 1)
      return bias === undefined ? product : ops.add(product, ops.slice(bias, 0, index, index + 1))
    }
  }
}
