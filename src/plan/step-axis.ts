import type { Ops } from '../ops/ops.ts'
import { batchAxisOps, type Sequences } from './batch-axis.ts'

/** What one step of a loop knows, and what is known after the last step. */
type Known = 'one step' | 'last step'

/** Inputs whose steps lie on this axis are followed. */
export const steps = (shape: readonly number[], axis: number): Sequences => ({ shape, batch: axis, merged: [] })

const isTensor = (x: unknown): x is Sequences => typeof x === 'object' && x !== null && 'merged' in x

/**
 * The op contract as another proof: `batchAxisOps`, which shows that no op mixes what lies along an axis, looking at the steps. What passes is made, at each step, of
 * that step alone and of the states that loops bring from the steps before: a loop forwards is the one thing that may go along the steps, and the last step the only one
 * that may be taken out of them. A position, a mean, a convolution, a way back throw. States given to a loop are what the steps before have left.
 */
export function stepAxisOps (): Ops<Sequences> {
  const base = batchAxisOps()
  const known = new WeakMap<Sequences, Known>()
  const mark = (x: Sequences, what: Known): Sequences => {
    const marked = { ...x }
    known.set(marked, what)
    return marked
  }
  const kindOf = (x: Sequences): Known | 'every step' | undefined => x.batch === null ? known.get(x) : 'every step'
  /** Steps, one step and the last one do not meet; with what is always the same each of them may. */
  const guarded = (op: (...args: unknown[]) => unknown) => (...args: unknown[]): unknown => {
    const kinds = new Set(args.flat().filter(isTensor).map(kindOf).filter((kind) => kind !== undefined))
    if (kinds.size > 1) throw new Error(`an operation mixes ${[...kinds].join(' and ')}`)
    const [kind] = kinds
    const result = op(...args)
    return kind === undefined || kind === 'every step' || !isTensor(result) ? result : mark(result, kind)
  }
  const all = Object.fromEntries(Object.entries(base).map(([name, op]) => [name, guarded(op as (...args: unknown[]) => unknown)])) as unknown as Ops<Sequences>

  return {
    ...all,
    slice: (x, axis, from, to) => {
      const place = axis < 0 ? axis + x.shape.length : axis
      if (x.batch !== place) return all.slice(x, axis, from, to)
      if (from !== -1 || to !== undefined || x.merged.length > 0) throw new Error('a slice of the steps')
      return mark({ shape: x.shape.with(place, 1), batch: null, merged: [] }, 'last step')
    },
    scan: (body, sequences, states, reverse) => {
      if (reverse === true) throw new Error('a loop backwards')
      if (sequences.some(({ batch, merged }) => batch !== 0 || merged.length > 0)) throw new Error('a loop over something else')
      if (states.some((state) => kindOf(state) !== undefined)) throw new Error('a loop that starts from what was read')
      const after = body(sequences.map(({ shape }) => mark({ shape: shape.slice(1), batch: null, merged: [] }, 'one step')), [...states])
      const given = [...after.results, ...after.states]
      if (given.some((x) => !['one step', undefined].includes(kindOf(x)))) throw new Error('a loop that gives more than its step')
      return {
        results: after.results.map(({ shape }) => steps([sequences[0].shape[0], ...shape], 0)),
        states: after.states.map((state) => mark(state, 'last step'))
      }
    }
  }
}
