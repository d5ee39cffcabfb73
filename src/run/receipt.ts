import { cellOf } from '../cells/cells.ts'
import type { CellCall } from '../cells/cell.ts'
import { before, blank, last, recompute } from '../cells/recurrent.ts'
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

/** The same as a tensor of one number on the engine; null where nothing recurrent ran. */
export function distance<T> (ops: Ops<T>, weightsOf: Resident<T>['weightsOf'], keras: 1 | 2 | 3, evidence: readonly Evidence<T>[]): T | null {
  const all = evidence.flatMap((one) => distancesOfCell(ops, weightsOf, keras, one))
  return all.length === 0 ? null : all.reduce((worst, far) => ops.maximum(worst, far))
}

function distancesOfCell<T> (ops: Ops<T>, weightsOf: Resident<T>['weightsOf'], keras: 1 | 2 | 3, { layer, run, returned }: Evidence<T>): T[] {
  const cell = cellOf(layer)!
  const call: CellCall<T> = { ops, layer, keras, weights: weightsOf(layer) }
  const states = cell.states.map((state, n) => returned[state] === undefined ? run.states[n] : swap(ops, returned[state]))
  const claimed = { ...run, states, gates: null }
  const past = before(call, claimed)
  const { gates } = recompute(cell, call, claimed)
  const next = cell.update(call, gates, past)
  const pairs: [T, T][] = states.map((state, n) => [state, run.mask === null ? next[n] : carry(call, next[n], past[n], run.mask)])
  for (const { gate } of cell.gates) {
    const given = returned[`gates/${gate}`]
    if (given !== undefined) pairs.push([swap(ops, given), blank(call, gates[gate], run.mask)])
  }
  const finals = cell.states.flatMap((state, n): [T, T][] => returned[`final/${state}`] === undefined ? [] : [[returned[`final/${state}`], last(call, run, states[n])]])
  return [pairs, finals].filter((list) => list.length > 0).map((list) =>
    difference(ops, ops.concat(list.map(([given]) => given), -1), ops.concat(list.map(([, again]) => again), -1)))
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
