import type { ByGate, Cell, CellCall, Contribution, Gates } from './cell.ts'
import { atStep, holding, mapped, sequencesOf, type Held } from './held.ts'
import { fusable, fused } from './lstm.ts'

/** What a cell reads. */
export interface Reading<T> {
  /** `[step, batch, ...]` in input time. */
  readonly x: T
  /** `[step, batch]` booleans; null: every step counts. */
  readonly mask: T | null
  /** States before the first step read, `[batch, unit]`; null: zeros. */
  readonly initial: readonly T[] | null
  /** Reads from the last step to the first. */
  readonly reverse: boolean
  /** The gates of every step are wanted too: a loop that computes them gives them. */
  readonly withGates?: boolean
  /** What some gates or states are kept at. A masked step reads nothing, so nothing is held there. */
  readonly held?: Held<T>
}

/** What it became, in input time: states `[step, batch, unit]` just after the cell read each step; at masked steps they carry over. */
export interface Read<T> extends Reading<T> {
  readonly initial: readonly T[]
  readonly states: readonly T[]
  /** Where they came with the states; at masked steps they mean nothing, or are 0 where `blanked` says so. */
  readonly gates: ByGate<T> | null
  readonly blanked?: true
  /** A kernel gave the hidden states alone; what else there is follows from them. */
  readonly byKernel?: true
}

/** A mask `[...]` with axes of size 1 behind, to stand against `like`. */
function against<T> ({ ops }: CellCall<T>, mask: T, like: T): T {
  let wide = mask
  while (ops.shape(wide).length < ops.shape(like).length) wide = ops.expandDims(wide, -1)
  return wide
}

/** The same for all steps at once, to stand step by step against `state`, which has no steps: once here, not at every step. */
const againstSteps = <T>(call: CellCall<T>, mask: T, state: T): T => against(call, mask, call.ops.expandDims(state, 0))

/** The only loop over steps. */
export function read<T> (cell: Cell, call: CellCall<T>, reading: Reading<T>): Read<T> {
  const { ops } = call
  const { x, mask, reverse, withGates = false, held } = reading
  const initial = reading.initial ?? zeros(cell, call, x)
  // No kernel knows of anything held.
  if (mask === null && held === undefined && fusable(call)) {
    const turn = (t: T): T => reverse ? ops.reverse(t, 0) : t
    const { states, gates } = fused(call, turn(x), initial)
    return { ...reading, initial, states: states.map(turn), gates: Object.fromEntries(Object.entries(gates).map(([gate, t]) => [gate, turn(t)])) }
  }
  const projected = cell.project(call, x)
  const hidden = held === undefined ? hiddenByKernel(cell, call, { ...reading, initial }) : undefined
  if (hidden !== undefined) return follow(cell, call, { ...reading, initial }, projected, hidden)
  const kept = sequencesOf(held)
  const sequences = [...kept, projected, ...(mask === null ? [] : [againstSteps(call, mask, initial[0])])]
  const names = withGates ? cell.gates.map(({ gate }) => gate) : []
  const { results } = ops.scan((parts, states) => {
    const [step, seen] = parts.slice(kept.length)
    const own = holding(call, atStep(held, parts))
    const { gates } = cell.compute(own, step, states)
    const next = cell.update(own, gates, states)
    const after = seen === undefined ? next : next.map((state, n) => ops.where(seen, state, states[n]))
    // Here and not of all steps at once: they would go out to memory and come back.
    const shown = names.map((gate) => seen === undefined ? gates[gate] : ops.where(seen, gates[gate], 0))
    return { results: [...after, ...shown], states: after }
  }, sequences, initial, reverse)
  const count = cell.states.length
  const gates = withGates ? Object.fromEntries(names.map((gate, n) => [gate, results[count + n]])) : null
  return { ...reading, initial, states: results.slice(0, count), gates, ...gates === null || mask === null ? {} : { blanked: true } }
}

/** The hidden state of every step, where the engine has a kernel for the cell's recurrence. */
function hiddenByKernel<T> (cell: Cell, call: CellCall<T>, { x, mask, reverse, initial, withGates }: Reading<T> & { initial: readonly T[] }): T | undefined {
  const { ops, layer: { config }, keras, weights } = call
  if (ops.fusedHidden === undefined || cell.fusion === undefined) return undefined
  return ops.fusedHidden({
    ...cell.fusion(call),
    x,
    mask,
    reverse,
    withGates: withGates === true,
    initial,
    kernel: weights.kernel,
    recurrentKernel: weights.recurrent_kernel,
    activation: config.activation,
    recurrentActivation: config.recurrent_activation,
    keras
  })
}

/**
 * The other states from the hidden one: with it the gates of all steps follow in one call, and what is left of the recurrence is `update` alone,
 * without a product.
 */
function follow<T> (cell: Cell, call: CellCall<T>, reading: Reading<T> & { initial: readonly T[] }, projected: T, hidden: T): Read<T> {
  const { ops } = call
  const { mask, reverse, initial } = reading
  const past = before(call, { ...reading, states: [hidden], gates: null })
  const { gates } = cell.compute(call, projected, past)
  if (cell.states.length === 1) return { ...reading, states: [hidden], gates, byKernel: true }
  const names = Object.keys(gates)
  const { results } = ops.scan((steps, states) => {
    const now = Object.fromEntries(names.map((gate, n) => [gate, steps[n]]))
    const next = cell.update(call, now, [states[0], ...states]).slice(1)
    const seen = steps[names.length]
    const kept = seen === undefined ? next : next.map((state, n) => ops.where(seen, state, states[n]))
    return { results: kept, states: kept }
  }, [...names.map((gate) => gates[gate]), ...(mask === null ? [] : [againstSteps(call, mask, initial[0])])], initial.slice(1), reverse)
  return { ...reading, states: [hidden, ...results], gates, byKernel: true }
}

/** Zero states `[batch, unit]`, made from what the first step of x `[step, batch, ...]` becomes: a state may be an image whose size only that shows. */
function zeros<T> (cell: Cell, call: CellCall<T>, x: T): T[] {
  const { ops, layer: { config } } = call
  const first = ops.squeeze(cell.project(call, ops.slice(x, 0, 0, 1)), 0)
  const state = ops.fill(ops.slice(first, -1, 0, (config.units ?? config.filters) as number), 0)
  return cell.states.map(() => state)
}

/** The states before each step: those after the step read before it. `[step, batch, unit]` */
export function before<T> ({ ops }: CellCall<T>, { states, initial, reverse }: Read<T>): T[] {
  return states.map((state, n) => {
    const first = ops.expandDims(initial[n], 0)
    return reverse ? ops.concat([ops.slice(state, 0, 1), first], 0) : ops.concat([first, ops.slice(state, 0, 0, -1)], 0)
  })
}

/**
 * The same run of one sequence of the batch, `n` `[1]`, with the states that are claimed for it, `[step, 1, unit]`; those not claimed are the run's, or
 * follow from the hidden one where a kernel gave only that.
 */
export function sequenceOf<T> (cell: Cell, call: CellCall<T>, run: Read<T>, n: T, claimed: readonly (T | undefined)[]): Read<T> {
  const pick = (x: T, axis: number): T => call.ops.gather(x, n, axis)
  const reading = { x: pick(run.x, 1), mask: run.mask === null ? null : pick(run.mask, 1), initial: run.initial.map((state) => pick(state, 0)), reverse: run.reverse, held: run.held }
  const hidden = claimed[0] ?? pick(run.states[0], 1)
  // Nothing here asks for the other states of the whole batch.
  const own = run.byKernel === true && claimed.slice(1).includes(undefined)
    ? follow(cell, call, reading, cell.project(call, reading.x), hidden).states
    : run.states.map((state, k) => claimed[k] ?? (k === 0 ? hidden : pick(state, 1)))
  return { ...reading, states: claimed.map((state, k) => state ?? own[k]), gates: null }
}

/** The last step of a run in input time as a run of its own. */
export function lastStepOf<T> (call: CellCall<T>, run: Read<T>): Read<T> {
  const { ops } = call
  const cut = (x: T): T => ops.slice(x, 0, -1)
  // Backwards it is the first step read; else the state of the step before, which a run of one step has not.
  const past = run.reverse ? run.initial : run.states.map((state, n) => ops.squeeze(cut(ops.concat([ops.expandDims(run.initial[n], 0), ops.slice(state, 0, -2, -1)], 0)), 0))
  return { x: cut(run.x), mask: run.mask === null ? null : cut(run.mask), initial: past, reverse: run.reverse, states: run.states.map(cut), gates: null, held: mapped(run.held, cut) }
}

/** Gates and pre-activations of all steps in one call, from the input and the shifted states. */
export function recompute<T> (cell: Cell, call: CellCall<T>, run: Read<T>): Gates<T> {
  return cell.compute(holding(call, run.held), cell.project(call, run.x), before(call, run))
}

/** Each gate's three parts at all steps. */
export function contributions<T> (cell: Cell, call: CellCall<T>, run: Read<T>): Readonly<Record<string, Contribution<T>>> {
  return cell.contributions(call, run.x, before(call, run), run.gates ?? recompute(cell, call, run).gates)
}

/** Zero where a step is masked. */
export function blank<T> (call: CellCall<T>, x: T, mask: T | null): T {
  return mask === null ? x : call.ops.where(against(call, mask, x), x, 0)
}

/** A state at the last step read, `[batch, unit]`. */
export function last<T> ({ ops }: CellCall<T>, { reverse }: Reading<T>, sequence: T): T {
  return ops.squeeze(reverse ? ops.slice(sequence, 0, 0, 1) : ops.slice(sequence, 0, -1), 0)
}

/**
 * What the layer gives at each step, as Keras' rnn() has it: at a masked step the output of the step read before it (zeros before
 * the first), or zeros where the layer asks for that. `hidden` already carries over, and differs only where a state was brought.
 */
export function outputs<T> (call: CellCall<T>, run: Read<T>, brought: boolean, zeroMasked: boolean): T {
  const { ops } = call
  const [hidden] = run.states
  const { mask, reverse } = run
  if (mask === null) return hidden
  if (zeroMasked) return blank(call, hidden, mask)
  if (!brought) return hidden
  const { results: [given] } = ops.scan(([now, seen], [previous]) => {
    const result = ops.where(seen, now, previous)
    return { results: [result], states: [result] }
  }, [hidden, against(call, mask, hidden)], [ops.fill(run.initial[0], 0)], reverse)
  return given
}
