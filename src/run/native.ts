import { LRUCache } from 'lru-cache'
import { runPlan } from '../layers/run-plan.ts'
import type { ModelFile, Values } from '../model.ts'
import { constants } from '../ops/constants.ts'
import { lower } from '../ops/native/lower.ts'
import type { Node } from '../ops/native/nodes.ts'
import { nativeOps } from '../ops/native/ops.ts'
import type { NativeRuntime } from '../ops/native/runtime.ts'
import { whole, type View } from '../ops/native/view.ts'
import { sizeOf } from '../ops/shape.ts'
import type { Plan } from '../plan/plan.ts'
import type { Batch } from '../request/probe.ts'
import { asked, type Compiled, type Compiler } from './compiled.ts'
import { finish } from './extract.ts'
import { distance, finite } from './receipt.ts'
import { checking, stepsAt, stepsChecked } from './sampling.ts'
import { borrow } from './spare.ts'

/** Programs kept of one plan: each serves one size of batch and sequence. */
const kept = 256

/** Plans as programs of the native engine. */
export const byNative = (native: NativeRuntime): Compiler => ({ name: 'native', compile: async (file, plan, sample) => compileNative(native, file, plan, sample) })

interface Made {
  readonly run: ReturnType<NativeRuntime['program']>
  readonly outputs: readonly { readonly name: string, readonly shape: readonly number[] }[]
  /** For each of them it takes which steps are checked. */
  readonly lengths: readonly number[]
}

/**
 * A plan as programs of the native engine, one for each size of batch and sequence, written when it comes; the receipt's own check of some steps of one
 * sequence an answer with it, as `compile` (compiled.ts) has it. Throws where a layer needs what the engine has no instruction for.
 */
export function compileNative (native: NativeRuntime, file: ModelFile, plan: Plan, sample: Batch): Compiled {
  const programs = new LRUCache<string, Made>({ max: kept })
  // Predictions alone are not all checked; see compiled.ts.
  const { next, verdict } = checking(plan.layers.length > 0)

  const programFor = (batch: Batch, checked: boolean): Made => {
    const key = `${checked ? 'checked' : ''} ${feedsOf(file, batch).map(({ shape }) => shape.join()).join(' ')}`
    const known = programs.get(key)
    if (known !== undefined) return known
    const { nodes, sizes, given, lengths } = written(file, plan, batch, checked)
    const made = { run: native.program(lower(nodes, sizes, given.map(({ value }) => value))), outputs: given.map(({ name, value: { shape } }) => ({ name, shape })), lengths }
    programs.set(key, made)
    return made
  }
  const run: Compiled['run'] = async (plan, batch) => {
    const { checked, sequence, turn } = next(batch)
    const made = programFor(batch, checked)
    const outputs = made.outputs.map(({ name, shape }) => ({ name, values: { shape, data: borrow(sizeOf(shape)) } }))
    made.run([...feedsOf(file, batch).map(({ data }) => data), Float32Array.of(sequence), ...made.lengths.map((length) => stepsAt(length, turn))], outputs.map(({ values }) => values.data))
    const results = new Map<string, Values>(outputs.map(({ name, values }) => [name, values]))
    const traced = finish(plan, batch, (n, name) => results.get(`layer:${n}:${name}`), (n) => results.get(`out:${n}`)!, (n) => results.get(`last:${n}`)!.data[0])
    return { traced, ...verdict(checked, results.get('difference')?.data[0]) }
  }
  // What cannot be written is refused now.
  programFor(sample, true)
  return { run, dispose: async () => { programs.clear() } }
}

/** What a plan does for a batch of this size, and what of that its answer is; with the difference that the receipt's check finds, or what stands for it unchecked. `sizes`: of the inputs. */
export function written (file: ModelFile, plan: Plan, batch: Batch, checked: boolean): { nodes: Node[], sizes: number[], given: { name: string, value: View }[], lengths: readonly number[] } {
  const nodes: Node[] = []
  const ops = nativeOps(nodes)
  const weightsOf = constants(ops)
  const sizes: number[] = []
  const input = (shape: readonly number[]): View => whole({ size: sizeOf(shape), input: sizes.push(sizeOf(shape)) - 1, parted: false }, shape)
  const feeds = file.graph.inputs.map(({ name }) => input(batch.inputs[name].shape))
  const initial = Object.fromEntries(sorted(batch.initial).map(([layer, states]) => [layer, Object.fromEntries(sorted(states).map(([name, { shape }]) => [name, input(shape)]))]))
  const { results, layers, outputs } = runPlan(ops, weightsOf, file, plan, feeds, initial)
  const given = asked(ops, plan, results, layers, outputs)
  const evidence = [...results.values()].flatMap(({ evidence }) => evidence ?? [])
  const sequence = input([1])
  const steps = new Map<number, View>()
  const stepsOf = (length: number): View | null => {
    const count = stepsChecked(length)
    if (count !== null && !steps.has(length)) steps.set(length, input([count]))
    return steps.get(length) ?? null
  }
  if (evidence.length > 0) {
    const far = checked ? distance(ops, weightsOf, file.keras, evidence, { of: batch.size === 1 ? null : sequence, steps: stepsOf })! : null
    given.push({ name: 'difference', value: far === null ? finite(ops, evidence) : batch.size === 1 ? far : ops.add(far, finite(ops, evidence)) })
  }
  return { nodes, sizes, given, lengths: [...steps.keys()] }
}

/** A batch's arrays in the order that programs take them. */
const feedsOf = ({ graph }: ModelFile, { inputs, initial }: Batch): Values[] =>
  [...graph.inputs.map(({ name }) => inputs[name]), ...sorted(initial).flatMap(([, states]) => sorted(states).map(([, values]) => values))]

/** By name, as two requests may bring the same states in another order. */
const sorted = <X>(record: Readonly<Record<string, X>>): [string, X][] => Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1)
