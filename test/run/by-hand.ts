import type { Layer } from '../../src/model.ts'

/** A matrix by rows: `[step][unit]`. */
export type Rows = number[][]

/** What a unit of a gate or a state is kept at at a step; undefined: nothing. */
export type Keep = (name: string, step: number, unit: number) => number | undefined

export interface ByHand { readonly gates: Readonly<Record<string, Rows>>, readonly states: Readonly<Record<string, Rows>> }

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const functions: Readonly<Record<string, (x: number) => number>> = { tanh: Math.tanh, sigmoid, softsign: (x) => x / (1 + Math.abs(x)) }

/**
 * A recurrent layer of one sequence with loops and numbers alone, as Keras' documentation writes its cells, and with what is kept: a gate's value is replaced before
 * anything reads it, a state's likewise, the cell state's before the hidden state is made of it. Masked steps read nothing.
 */
export function byHand ({ className, config, weights }: Layer, x: Rows, mask: readonly boolean[], keep: Keep, reverse = false): ByHand {
  const units = config.units as number
  const [outer, inner] = [functions[config.activation as string], functions[config.recurrent_activation as string ?? 'sigmoid']]
  const blocks = /LSTM/.test(className) ? 4 : /GRU/.test(className) ? 3 : 1
  const dot = (from: readonly number[], name: string, block: number, unit: number): number =>
    from.reduce((sum, value, row) => sum + value * weights[name].data[row * blocks * units + block * units + unit], 0)
  const bias = (row: number, block: number, unit: number): number => weights.bias.data[row * blocks * units + block * units + unit]
  const at = (step: number, unit: number) => (name: string, value: number): number => keep(name, step, unit) ?? value
  const each = (make: (unit: number) => number): number[] => Array.from({ length: units }, (_, unit) => make(unit))
  const gates: Record<string, Rows> = {}
  const states: Record<string, Rows> = {}
  let [h, c] = [each(() => 0), each(() => 0)]
  const order = x.map((_, n) => reverse ? x.length - 1 - n : n)
  for (const step of order) {
    const own = (gate: string, row: readonly number[]): number[] => {
      ;(gates[gate] ??= [])[step] = mask[step] ? [...row] : each(() => 0)
      return [...row]
    }
    const heard = (block: number, unit: number): number => dot(x[step], 'kernel', block, unit) + bias(0, block, unit) + dot(h, 'recurrent_kernel', block, unit)
    let [nextH, nextC] = [h, c]
    if (blocks === 4) {
      const [i, f, g, o] = (['input', 'forget', 'candidate', 'output'] as const).map((gate, block) =>
        own(gate, each((unit) => at(step, unit)(gate, (gate === 'candidate' ? outer : inner)(heard(block, unit))))))
      nextC = each((unit) => at(step, unit)('cell', f[unit] * c[unit] + i[unit] * g[unit]))
      nextH = each((unit) => at(step, unit)('hidden', o[unit] * outer(nextC[unit])))
    } else if (blocks === 3) {
      const after = config.reset_after === true
      const extra = (block: number, unit: number): number => after ? bias(1, block, unit) : 0
      const [z, r] = (['update', 'reset'] as const).map((gate, block) => own(gate, each((unit) => at(step, unit)(gate, inner(heard(block, unit) + extra(block, unit))))))
      const past = (unit: number): number => after
        ? r[unit] * (dot(h, 'recurrent_kernel', 2, unit) + bias(1, 2, unit))
        : dot(h.map((value, n) => r[n] * value), 'recurrent_kernel', 2, unit)
      const g = own('candidate', each((unit) => at(step, unit)('candidate', outer(dot(x[step], 'kernel', 2, unit) + bias(0, 2, unit) + past(unit)))))
      nextH = each((unit) => at(step, unit)('hidden', z[unit] * h[unit] + (1 - z[unit]) * g[unit]))
    } else {
      const g = own('candidate', each((unit) => at(step, unit)('candidate', outer(heard(0, unit)))))
      nextH = each((unit) => at(step, unit)('hidden', g[unit]))
    }
    if (mask[step]) [h, c] = [nextH, nextC]
    ;(states.hidden ??= [])[step] = h
    if (blocks === 4) (states.cell ??= [])[step] = c
  }
  return { gates, states }
}

/** A Dense layer of one step. */
export function dense ({ config, weights }: Layer, x: readonly number[]): number[] {
  const units = config.units as number
  const z = Array.from({ length: units }, (_, unit) => x.reduce((sum, value, row) => sum + value * weights.kernel.data[row * units + unit], weights.bias.data[unit]))
  if (config.activation === 'linear') return z
  const exp = z.map((value) => Math.exp(value - Math.max(...z)))
  return exp.map((value) => value / exp.reduce((a, b) => a + b))
}
