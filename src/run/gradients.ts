import type * as tfCore from '@tensorflow/tfjs-core'
import { Fault } from '../errors.ts'
import { runGraph, type Feed } from '../layers/graph.ts'
import type { LayerResult } from '../layers/layer.ts'
import type { ModelFile, Values } from '../model.ts'
import { eagerOps } from '../ops/eager/ops.ts'
import type { Engine } from '../ops/engine.ts'
import type { Ops } from '../ops/ops.ts'
import type { Plan } from '../plan/plan.ts'
import type { Batch } from '../request/probe.ts'
import type { Resident } from './runtime.ts'

type Tensor = tfCore.Tensor

/** Where a gradient starts: what a node of the graph gives, in place of computing it. */
export interface Start {
  readonly node: number
  /** `[batch, step, ...]` */
  readonly values: Values
  /** `[batch, step]` of 0 and 1; null: no mask. */
  readonly mask: Values | null
}

/** What is differentiated: one number for each sequence, made of the plan's first output `[batch, ..., unit]`. */
export type Choose = <T>(ops: Ops<T>, output: T, weightsOf: Resident<T>['weightsOf']) => T

/**
 * The gradient of each sequence's number with respect to each start, `[batch, step, ...]`, by tfjs-core op by op through the very equations of the layers, loops
 * over steps too. No sequence may depend on others of the batch: the numbers are added up and differentiated in one pass back. Masks come
 * from outside. Throws Fault naming the first layer that has no gradient.
 */
export function gradients (engine: Engine, resident: Resident<Tensor>, file: ModelFile, plan: Plan, batch: Batch, starts: readonly Start[], pick: Choose): Values[] {
  const { tf, name } = engine
  // tfjs brings its table of gradients with the native engine alone.
  if ((tf.getGradient('Sum') as unknown) === undefined) throw new Fault('invalid_value', `this service computes on ${name}, which has no gradients: ask for other methods than integrated-gradients, or start it with TensorFlow`, '/methods')
  // A kernel that does a whole cell has no gradient.
  const { fusedLstm: _, ...ops } = eagerOps(tf, name)
  const tensor = ({ shape, data }: Values): Tensor => ops.constant(data, shape)
  const fed = file.graph.inputs.filter(({ node }) => !starts.some((start) => start.node === node))
  const graph = { ...file.graph, inputs: [...fed, ...starts.map(({ node, values: { shape } }) => ({ name: '', node, shape, dtype: 'float32' }))] }
  return tf.tidy(() => {
    const feeds: Feed<Tensor>[] = fed.map(({ name }) => ({ tensor: tensor(batch.inputs[name]), mask: null }))
    const masks = starts.map(({ mask }) => mask === null ? null : ops.cast(tensor(mask), 'bool'))
    const run = (xs: readonly Tensor[], nodes: readonly number[]): Map<number, LayerResult<Tensor>> =>
      runGraph({ ops, keras: file.keras, weightsOf: resident.weightsOf }, graph, nodes, [...feeds, ...xs.map((tensor, n) => ({ tensor, mask: masks[n] }))], { wanted: new Map(), initial: new Map() })
    const points = starts.map(({ values }) => tensor(values))
    const [{ node, index }] = plan.outputs
    try {
      const slopes = tf.grads((...xs: Tensor[]) => tf.sum(pick(ops, run(xs, plan.nodes).get(node)!.outputs[index], resident.weightsOf)))(points)
      return slopes.map((slope) => ({ shape: slope.shape, data: slope.dataSync<'float32'>() }))
    } catch (error) {
      const culprit = plan.nodes.find((n) => refuses(tf, (xs) => run(xs, plan.nodes.filter((other) => other <= n)).get(n)!.outputs, points))
      if (culprit === undefined) throw error
      const { key, layer } = file.graph.nodes[culprit]
      throw new Fault('invalid_value', `there is no gradient through layer ${JSON.stringify(key)} (${file.graph.layers[layer].className}) on ${name}: ${(error as Error).message.replace(/\.$/, '')}. Ask for other methods than integrated-gradients`, '/methods')
    }
  })
}

/** Does the way from the points to these tensors have no gradient? One that does not depend on them at all is none. */
function refuses (tf: Engine['tf'], make: (xs: readonly Tensor[]) => readonly Tensor[], points: Tensor[]): boolean {
  try {
    tf.grads((...xs: Tensor[]) => tf.addN(make(xs).map((x) => tf.sum(tf.cast(x, 'float32')))))(points)
    return false
  } catch (error) {
    return !(error as Error).message.includes('encloses all operations')
  }
}
