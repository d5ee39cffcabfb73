import type { Layer } from '../../src/model.ts'
import { layers } from '../../src/layers/table.ts'
import type { LayerCall } from '../../src/layers/layer.ts'
import { plainOps, type Plain } from '../../src/ops/plain/ops.ts'
import { shapeOf } from '../support/cases.ts'

const ops = plainOps()

/** A nested array on the referee; booleans are 1 and 0. */
export const tensor = (nested: unknown): Plain => ({ shape: shapeOf(nested), data: Float64Array.from([nested].flat(Infinity).map(Number)) })

/** Back to a nested array. */
export function nested ({ shape, data }: Plain): unknown {
  const at = (sizes: readonly number[], from: number): unknown => {
    if (sizes.length === 0) return data[from]
    const size = sizes.slice(1).reduce((a, b) => a * b, 1)
    return Array.from({ length: sizes[0] }, (_, n) => at(sizes.slice(1), from + n * size))
  }
  return at(shape, 0)
}

export interface Given {
  readonly keras?: 1 | 2 | 3
  readonly inputs: readonly unknown[]
  readonly masks?: readonly unknown[]
  readonly weights?: Readonly<Record<string, unknown>>
  readonly named?: Readonly<Record<string, unknown>>
  readonly values?: Readonly<Record<string, unknown>>
}

/** One call of a layer over the referee: outputs and masks as nested arrays. */
export function call (className: string, config: Record<string, unknown>, { keras = 3, inputs, masks, weights = {}, named = {}, values = {} }: Given): { outputs: unknown[], masks: unknown[] } {
  const handles = (all: Readonly<Record<string, unknown>>): Record<string, Plain> => Object.fromEntries(Object.entries(all).map(([name, value]) => [name, tensor(value)]))
  const layer: Layer = { path: 'it', className, config, weights: {}, children: {} }
  const whole: LayerCall<Plain> = {
    ops,
    layer,
    keras,
    weights: handles(weights),
    weightsOf: () => ({}),
    inputs: inputs.map(tensor),
    masks: inputs.map((_, n) => masks?.[n] === undefined || masks[n] === null ? null : tensor(masks[n])),
    named: Object.fromEntries(Object.entries(handles(named)).map(([name, value]) => [name, { tensors: [value], masks: [null] }])),
    values,
    wanted: new Set(),
    lastStep: false,
    initial: {},
    run: () => { throw new Error('a layer without children ran one') }
  }
  const result = layers.get(className)!(whole)
  return { outputs: result.outputs.map(nested), masks: result.masks.map((mask) => mask === null ? null : nested(mask)) }
}
