import { cellOf } from '../cells/cells.ts'
import type { CellCall } from '../cells/cell.ts'
import { holding } from '../cells/held.ts'
import { before, blank, last, sequenceOf } from '../cells/recurrent.ts'
import type { Evidence } from '../layers/layer.ts'
import { swap } from '../layers/recurrent.ts'
import type { Values } from '../model.ts'
import type { Ops } from '../ops/ops.ts'
import type { Resident, Runtime } from './runtime.ts'

/** Largest difference allowed, relative to max(1, |value|): float32 along a few hundred additions stays well below. */
export const tolerance = 1e-4

/**
 * Holds what a layer gives back against its own equations: the gates again, of all steps in one call, from the input and the returned states
 * shifted by a step; the states again from those gates; the final states from the last step read. Gives the largest
 * difference relative to max(1, |value|).
 */
export function recheck<T> (runtime: Runtime<T>, resident: Resident<T>, keras: 1 | 2 | 3, evidence: readonly Evidence<T>[]): number {
  const far = distance(runtime.ops, resident.weightsOf, keras, evidence)
  return far === null ? 0 : runtime.read(far).data[0]
}

/**
 * A check in few operations, for every answer: NaN where anything is not finite, which then has to be looked at again, and without the final states,
 * which are entries of others.
 */
interface Quick<T> {
  /** Which sequence of the batch `[1]`; null: all. What is wrong with a model, an engine or a plan is wrong with any, and the check of all costs as much as the answer. */
  readonly of: T | null
  /** Which of so many steps, `[step]`; null: all. */
  readonly steps: (length: number) => T | null
}

/** The same as a tensor of one number on the engine; null where nothing recurrent ran. */
export function distance<T> (ops: Ops<T>, weightsOf: Resident<T>['weightsOf'], keras: 1 | 2 | 3, evidence: readonly Evidence<T>[], quick?: Quick<T>): T | null {
  const all = evidence.flatMap((one) => distancesOfCell(ops, weightsOf, keras, one, quick))
  return all.length === 0 ? null : all.reduce((worst, far) => largest(ops, ops.maximum(worst, far), ops.add(worst, far)))
}

/** In place of `distance`, for an answer that is not checked: 0, or NaN where a hidden state is not finite. */
export function finite<T> (ops: Ops<T>, evidence: readonly Evidence<T>[]): T {
  return evidence.map(({ run }) => ops.mul(0, ops.reduce('sum', run.states[0]))).reduce((all, one) => ops.add(all, one))
}

function distancesOfCell<T> (ops: Ops<T>, weightsOf: Resident<T>['weightsOf'], keras: 1 | 2 | 3, { layer, run, returned: all }: Evidence<T>, quick?: Quick<T>): T[] {
  const cell = cellOf(layer)!
  const call: CellCall<T> = { ops, layer, keras, weights: weightsOf(layer) }
  const sequence = quick?.of ?? null
  const returned = sequence === null ? all : Object.fromEntries(Object.entries(all).map(([name, value]) => [name, ops.gather(value, sequence, 0)]))
  const given = cell.states.map((state) => returned[state] === undefined ? undefined : swap(ops, returned[state]))
  const claimed = sequence === null ? { ...run, states: given.map((state, n) => state ?? run.states[n]), gates: null } : sequenceOf(cell, call, run, sequence, given)
  const steps = quick?.steps(ops.shape(claimed.x)[0]) ?? null
  const at = (x: T): T => steps === null ? x : ops.gather(x, steps, 0)
  const states = claimed.states.map(at)
  const mask = claimed.mask === null ? null : at(claimed.mask)
  const past = before(call, claimed).map(at)
  const held = holding(call, claimed.held)
  const { gates } = cell.compute(held, cell.project(call, at(claimed.x)), past)
  const next = cell.update(held, gates, past)
  const pairs: [T, T][] = states.map((state, n) => [state, mask === null ? next[n] : carry(call, next[n], past[n], mask)])
  for (const { gate } of cell.gates) {
    const given = returned[`gates/${gate}`]
    if (given !== undefined) pairs.push([at(swap(ops, given)), blank(call, gates[gate], mask)])
  }
  const [claims, again] = [0, 1].map((n) => ops.concat(pairs.map((pair) => pair[n]), -1))
  // What is not finite is told of at every step.
  if (quick !== undefined) return [quickDifference(ops, claims, again), ...steps === null ? [] : claimed.states.map((state) => ops.mul(0, ops.reduce('sum', state)))]
  const finals = cell.states.flatMap((state, n): [T, T][] => returned[`final/${state}`] === undefined ? [] : [[returned[`final/${state}`], last(call, claimed, claimed.states[n])]])
  return [difference(ops, claims, again), ...finals.map(([given, again]) => difference(ops, given, again))]
}

function carry<T> (call: CellCall<T>, next: T, past: T, mask: T): T {
  return call.ops.add(blank(call, next, mask), blank(call, past, call.ops.not(mask)))
}

/** max |a - b| / max(1, |a|); equal infinities and NaN on both sides agree, NaN on one side is as far as can be. */
function difference<T> (ops: Ops<T>, a: T, b: T): T {
  const nan = (x: T): T => ops.compare('notEqual', x, x)
  const same = ops.or(ops.compare('equal', a, b), ops.and(nan(a), nan(b)))
  const far = ops.div(ops.unary('abs', ops.sub(a, b)), ops.maximum(1, ops.unary('abs', a)))
  const known = ops.where(ops.compare('lessEqual', far, 1e30), far, 1e30)
  return ops.reduce('max', ops.where(same, 0, known))
}

/** The same in few operations, for every answer: NaN where anything is not finite, which then has to be looked at again. */
function quickDifference<T> (ops: Ops<T>, a: T, b: T): T {
  const far = ops.div(ops.unary('abs', ops.sub(a, b)), ops.maximum(1, ops.unary('abs', a)))
  return largest(ops, ops.reduce('max', far), ops.reduce('sum', far))
}

/** A maximum, NaN where the sum of the same numbers is not finite: a sum keeps what is not, of a maximum not every engine does. */
const largest = <T>(ops: Ops<T>, maximum: T, sum: T): T => ops.add(maximum, ops.mul(0, sum))

/** The same over arrays of different arithmetic. Shapes must agree. */
export function arrayDifference (a: Values, b: Values): number {
  if (a.data.length !== b.data.length) return Infinity
  let worst = 0
  for (let n = 0; n < a.data.length; n++) {
    const [x, y] = [a.data[n], b.data[n]]
    // A run that diverges ends in infinities and NaN, float32 before float64 and in other places: there is nothing to compare.
    if (x === y || (!Number.isFinite(x) && !Number.isFinite(y))) continue
    const far = Math.abs(x - y) / Math.max(1, Math.abs(x))
    worst = Math.max(worst, far <= 1e30 ? far : 1e30)
  }
  return worst
}
