import { Fault } from '../../errors.ts'
import type { ModelFile, Values } from '../../model.ts'
import type { StepInput } from '../../plan/step-inputs.ts'
import type { Batch } from '../../request/probe.ts'
import type { Start } from '../../run/gradients.ts'

/**
 * Where gradients of some inputs start, for the numbers given: at the input itself; at the output of its Embedding, as ids have no gradient; or behind
 * its Masking, whose mask must not change on the way.
 */
export function startsOf (file: ModelFile, inputs: readonly StepInput[], batch: Pick<Batch, 'inputs'>): Start[] {
  return inputs.flatMap(({ name, starts }) => {
    if (starts === null) throw new Fault('invalid_value', `input "${name}" takes ids that are read by more than an Embedding layer: ids have no gradient. Ask for other methods than integrated-gradients`, '/methods')
    return starts.map((node) => startAt(file, node, batch.inputs[name]))
  })
}

function startAt ({ graph }: ModelFile, node: number, values: Values): Start {
  const { className, config, weights } = graph.layers[graph.nodes[node].layer]
  if (className === 'Embedding') {
    const { shape: [, units], data } = weights.embeddings
    const vectors = new Float32Array(values.data.length * units)
    values.data.forEach((id, n) => vectors.set(data.subarray(id * units, (id + 1) * units), n * units))
    return { node, values: { shape: [...values.shape, units], data: vectors }, mask: config.mask_zero === true ? { shape: values.shape, data: values.data.map((id) => id === 0 ? 0 : 1) } : null }
  }
  if (className !== 'Masking') return { node, values, mask: null }
  const features = values.shape[values.shape.length - 1]
  const absent = Math.fround(config.mask_value as number)
  const mask = Float32Array.from({ length: values.data.length / features }, (_, n) => values.data.subarray(n * features, (n + 1) * features).some((x) => x !== absent) ? 1 : 0)
  return { node, values: { shape: values.shape, data: values.data.map((x, n) => mask[Math.floor(n / features)] === 0 ? 0 : x) }, mask: { shape: values.shape.slice(0, -1), data: mask } }
}

/** `[batch, step]`, 0 where the model masks the step of one input; null where it masks none. */
function counted ({ name, masking }: StepInput, { inputs, size }: Batch): Uint8Array | null {
  if (masking === null) return null
  const { shape: [, steps], data } = inputs[name]
  const [each, absent] = [data.length / size / steps, masking === 'id 0' ? 0 : masking.value]
  return Uint8Array.from({ length: size * steps }, (_, n) => data.subarray(n * each, (n + 1) * each).some((x) => x !== absent) ? 1 : 0)
}

/** `[batch, step]`, 0 where the model masks the step in every one of these inputs; null where it masks none. */
export function countedSteps (inputs: readonly StepInput[], batch: Batch): Uint8Array | null {
  const counts = inputs.map((input) => counted(input, batch))
  if (counts.includes(null)) return null
  return counts.reduce((all, own) => all!.map((count, n) => count | own![n]))
}

/** A baseline for each sequence, in which a step that the model masks is what it is: of several inputs, one may have a step that another has not. */
export function keepMasked (inputs: readonly StepInput[], batch: Batch, baseline: Readonly<Record<string, Values>>): Record<string, Values> {
  return Object.fromEntries(inputs.map((input) => {
    const { name } = input
    const counts = counted(input, batch)
    if (counts === null) return [name, baseline[name]]
    const { shape, data } = batch.inputs[name]
    const [each, given] = [data.length / counts.length, baseline[name].data]
    // A baseline for one sequence serves each of them.
    return [name, { shape, data: data.map((x, n) => counts[Math.floor(n / each)] === 0 ? x : given[n % given.length]) }]
  }))
}
