import { Fault } from '../../errors.ts'
import type { Plan } from '../../plan/plan.ts'
import type { Batch } from '../../request/probe.ts'
import type { Start } from '../../run/gradients.ts'
import type { Subject } from '../study.ts'
import { batchOf, type Row } from './coalitions.ts'
import type { Explained } from './explained.ts'
import { gaussLegendre } from './legendre.ts'
import type { Players } from './players.ts'
import { startsOf } from './starts.ts'
import { rowsAtOnce } from './size.ts'
import { fewestNodes, limits, type Relevance } from './study.ts'

/** Nodes of the rule, more of them only for sequences that do not add up yet. */
const rules = [1, 2, 4, 8, 16, 32].map((times) => times * fewestNodes)
/** How near to adding up is enough, relative to max(1, |change|): a little above what float32 leaves. */
const enough = 2e-6
/** Numbers of one kind that a pass may hold: on its way back it holds a dozen. */
const atOnce = 2 ** 22

/** What integrated gradients give. */
export interface Integrated {
  /** `[batch, step, feature]`, for each start. */
  readonly features: readonly { readonly shape: readonly number[], readonly data: Float64Array }[]
  /** The most nodes that any sequence took. */
  readonly nodes: number
}

/**
 * Integrated gradients (Sundararajan et al. 2017): (x - x') times the mean of df/dx along the straight line from the baseline x' to x, by Gauss-Legendre. They add up to
 * f(x) - f(x') as far as the rule is exact: `changes`, `[batch]`, is what they should add up to.
 */
export function integrated (subject: Subject, plan: Plan, batch: Batch, { inputs, baseline }: Relevance, players: Players, { pick }: Explained, changes: readonly number[]): Integrated {
  const { file } = subject
  const absent = batchOf(batch, baseline.values, players, changes.map((_, sequence) => ({ sequence, coalition: 0 })))
  const [to, from] = [startsOf(file, inputs, batch), startsOf(file, inputs, absent)]
  if (to.some(({ mask }, n) => mask?.data.some((counts, at) => counts !== from[n].mask!.data[at]) === true)) {
    throw new Fault('invalid_value', 'the model masks steps of the baseline: between a step that is masked and one that is not there is no gradient. Choose another baseline, or other methods than integrated-gradients', '/baseline')
  }
  const features = to.map(({ values: { shape } }) => ({ shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) }))
  const steps = to[0].values.shape[1]
  const most = rowsAtOnce(file, to.map(({ values }) => values), atOnce)
  let open = changes.map((_, sequence) => sequence)
  let nodes = 0
  for (const count of rules) {
    if (count > rules[0] && open.length * count * steps > limits.gradientSteps) break
    nodes = count
    const rule = gaussLegendre(count)
    for (const { data } of features) for (const sequence of open) data.fill(0, sequence * data.length / batch.size, (sequence + 1) * data.length / batch.size)
    const points = open.flatMap((sequence) => rule.nodes.map((node, n) => ({ sequence, node, weight: rule.weights[n] })))
    for (let at = 0; at < points.length; at += most) {
      const some = points.slice(at, at + most)
      const rows: Row[] = some.map(({ sequence }) => ({ sequence, coalition: 2 ** players.names.length - 1 }))
      const slopes = subject.gradients(plan, batchOf(batch, {}, players, rows), to.map((_, n) => between(from[n], to[n], batch.size, some)), pick(some.map(({ sequence }) => sequence)))
      slopes.forEach(({ data }, n) => some.forEach(({ sequence, weight }, row) => {
        const { data: sums } = features[n]
        const each = sums.length / batch.size
        const [x, y] = [from[n].values.data, to[n].values.data]
        for (let k = 0; k < each; k++) sums[sequence * each + k] += weight * data[row * each + k] * (y[sequence * each + k] - x[sequence * each + k])
      }))
    }
    open = open.filter((sequence) => {
      const sum = features.reduce((all, { data }) => data.subarray(sequence * data.length / batch.size, (sequence + 1) * data.length / batch.size).reduce((a, b) => a + b, all), 0)
      return !(Math.abs(sum - changes[sequence]) <= enough * Math.max(1, Math.abs(changes[sequence])))
    })
    if (open.length === 0) break
  }
  return { features, nodes }
}

/** Points on the lines from one start to another, a row each. */
function between (from: Start, to: Start, size: number, points: readonly { readonly sequence: number, readonly node: number }[]): Start {
  const { node, values: { shape, data: y }, mask } = to
  const { data: x } = from.values
  const each = y.length / size
  const data = new Float32Array(points.length * each)
  points.forEach((point, row) => {
    for (let k = 0; k < each; k++) data[row * each + k] = x[point.sequence * each + k] + point.node * (y[point.sequence * each + k] - x[point.sequence * each + k])
  })
  const marks = mask === null ? null : { shape: mask.shape.with(0, points.length), data: Float32Array.from({ length: points.length * mask.data.length / size }) }
  const wide = mask === null ? 0 : mask.data.length / size
  points.forEach(({ sequence }, row) => marks?.data.set(mask!.data.subarray(sequence * wide, (sequence + 1) * wide), row * wide))
  return { node, values: { shape: shape.with(0, points.length), data }, mask: marks }
}
