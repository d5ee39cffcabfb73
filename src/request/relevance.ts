import { Fault } from '../errors.ts'
import { followedByOutput } from '../plan/followed.ts'
import { independent } from '../plan/independent.ts'
import { planMemory } from '../plan/memory.ts'
import type { Plan } from '../plan/plan.ts'
import { stepInputs, type StepInput } from '../plan/step-inputs.ts'
import { planTarget } from '../plan/target.ts'
import type { Served } from '../registry/entry.ts'
import { fewestNodes, limits, methods, rowsOf, type Method, type Relevance } from '../studies/relevance/study.ts'
import { readBaseline } from './baseline.ts'
import { readNames } from './choices.ts'
import { readRaw } from './decode.ts'
import { readInputs } from './inputs.ts'
import type { Batch } from './probe.ts'
import { at, invalid, list, type Json } from './words.ts'

/** Largest window: 2^11 runs for each sequence. */
export const widest = 10

/**
 * A body of /relevance, checked member by member against the model it is for: the study, the plan of the output that it explains, and the numbers. That there is no other member
 * is for the wire's schema to say. Throws Fault with a pointer to the member or the element that is wrong.
 */
export function decodeRelevance (body: Json, { file, meta }: Pick<Served, 'file' | 'meta'>): { study: Relevance, plan: Plan, batch: Batch } {
  const { output = 0, of = 'value', window = 5 } = body
  if (typeof output !== 'string' && !(Number.isSafeInteger(output) && output as number >= 0)) throw invalid('an index from 0, a label or a name', output, '/output')
  if (of !== 'value' && of !== 'logit') throw invalid('"value" or "logit"', of, '/of')
  if (!Number.isSafeInteger(window) || window as number < 1 || window as number > widest) throw invalid(`a whole number from 1 to ${widest}`, window, '/window')
  if (body.inputs === undefined) throw new Fault('invalid_value', `'inputs' is missing: the model takes ${list(file.graph.inputs.map(({ name }) => name))}`, '/inputs')
  const asked = readMethods(body.methods)
  const raw = readRaw(body.raw, { file, meta })
  const { target, plan } = planTarget(file, meta, output as number | string, of)
  if (!independent(file, plan, {})) throw new Fault('invalid_value', 'what this output is for one sequence may depend on the others of its batch: what it takes from the steps of one cannot be told apart', '')
  const all = readInputs(body.inputs, file, meta, raw, '/inputs')
  const batch: Batch = { inputs: all, initial: {}, size: Object.values(all)[0].shape[0] }
  const inputs = readStepInputs(body.stepInputs, stepInputs(file, plan.nodes), batch)
  const baseline = readBaseline(body.baseline, { file, meta, raw, inputs, batch })
  const steps = all[inputs[0].name].shape[1]
  const followed = followedByOutput(file.graph, plan.outputs[0].node)
  const stepwise = inputs.some(({ name }) => followed.includes(name))
  checkSize(asked, Math.min(window as number, steps) + (steps > (window as number) ? 1 : 0), batch.size, steps)
  return { study: { kind: 'relevance', methods: asked, window: window as number, inputs, baseline, target, stepwise, scaler: raw ? meta.scaler ?? null : null, memory: asked.includes('memory') ? planMemory(file, plan.nodes, inputs.map(({ name }) => name)) : null }, plan, batch }
}

function readMethods (value: unknown): readonly Method[] {
  if (value === undefined) return ['shapley']
  const names = readNames(value, 'methods', '/methods')
  const unknown = names.findIndex((name) => !(methods as readonly string[]).includes(name))
  if (unknown >= 0) throw new Fault('unknown_name', `there is no method '${names[unknown]}'; there are: ${list(methods)}`, Array.isArray(value) ? at('/methods', value.indexOf(names[unknown])) : '/methods')
  return names as Method[]
}

/** The inputs whose steps are explained: those named, else what the first recurrent layer reads. */
function readStepInputs (value: unknown, found: readonly (readonly StepInput[])[], { inputs }: Batch): readonly StepInput[] {
  if (found.length === 0) throw new Fault('invalid_value', 'no recurrent layer that this output depends on reads the steps of an input: there are no steps to explain', '')
  const there = found.flat()
  const names = value === undefined ? found[0].map(({ name }) => name) : readNames(value, 'inputs', '/stepInputs')
  const chosen = names.map((name) => {
    const input = there.find((one) => one.name === name)
    if (input === undefined) throw new Fault('unknown_name', `no recurrent layer that this output depends on reads steps of an input ${JSON.stringify(name)}; they read steps of: ${list(there.map((one) => one.name))}`, '/stepInputs')
    return input
  })
  const [first, ...rest] = chosen.map(({ name }) => ({ name, steps: inputs[name].shape[1] }))
  const other = rest.find(({ steps }) => steps !== first.steps)
  if (other !== undefined) {
    throw new Fault('wrong_shape', `the steps of several inputs are explained together, and "${first.name}" has ${first.steps}, "${other.name}" ${other.steps}: name one of them in "stepInputs"`, '/stepInputs')
  }
  return chosen
}

function checkSize (asked: readonly Method[], players: number, batch: number, steps: number): void {
  if (asked.includes('integrated-gradients') && batch * fewestNodes * steps > limits.gradientSteps) {
    throw new Fault('too_large', `integrated-gradients take ${batch * fewestNodes} runs of ${steps} steps there and back, and ${Math.floor(limits.gradientSteps / steps)} of this length are the most for one request: ` +
      'send fewer sequences at once, or ask for other methods', '/inputs')
  }
  const rows = rowsOf(asked, players, batch)
  if (rows <= limits.rows && rows * steps <= limits.steps) return
  throw new Fault('too_large', `this takes ${rows} runs of ${steps} steps, and ${Math.min(limits.rows, Math.floor(limits.steps / steps))} of this length are the most for one request: ` +
    'send fewer sequences at once, choose a smaller window, or methods other than shapley', '/inputs')
}
