import { cellOf, unitsOf } from '../cells/cells.ts'
import type { CellCall } from '../cells/cell.ts'
import { before, type Read } from '../cells/recurrent.ts'
import type { Evidence } from '../layers/layer.ts'
import type { Layer, ModelFile, Values } from '../model.ts'
import { plainOps, type Plain } from '../ops/plain/ops.ts'
import type { LoadCheck } from '../pool/protocol.ts'
import type { Receipt } from '../registry/entry.ts'
import type { Batch } from '../request/probe.ts'
import { extract, type Traced } from './extract.ts'
import { plainRuntime } from './plain-runtime.ts'
import { arrayDifference, recheck, tolerance } from './receipt.ts'
import type { Resident, Runtime } from './runtime.ts'

/** Multiplications the float64 referee may spend on one model; above it only sampled steps of each cell are repeated. */
const budget = 3e7
/** Steps repeated then, spread over the sequence. */
const sampled = 4

/**
 * Tries a model on an engine before it serves: every state, gate and output of a sample in float64 by the plain ops, the receipt's own check,
 * and the outputs that Keras recorded, where there are any. `reason` says what is wrong with a model above tolerance.
 */
export function checkModel<T> (engine: string, runtime: Runtime<T>, resident: Resident<T>, file: ModelFile, check: LoadCheck, allowance = budget): { receipt: Receipt, reason?: string } {
  const checked: string[] = []
  const faults: string[] = []
  let worst = 0
  const hold = (what: string, difference: number, allowed: number, why: string): void => {
    checked.push(what)
    worst = Math.max(worst, difference)
    if (!(difference <= allowed)) faults.push(`${why}: they differ by ${difference.toPrecision(3)}, ${allowed} is allowed`)
  }
  const { plan } = check
  runtime.scope(() => {
    const answer = extract(runtime, resident, file, plan, check.sample)
    hold('gates and states', recheck(runtime, resident, file.keras, answer.evidence), tolerance, `the states that ${engine} gives do not follow from its gates`)
    if (multiplications(file, check.sample) <= allowance) {
      const referee = plainRuntime()
      const far = compare(answer.traced, extract(referee.runtime, referee.resident, file, plan, check.sample).traced)
      hold('float64', far.difference, tolerance, `${far.where} by ${engine} is not what float64 arithmetic gives`)
    } else {
      hold('float64 at sampled steps', answer.evidence.reduce((far, one) => Math.max(far, repeatSteps(runtime, file.keras, one)), 0), tolerance, `the steps of ${engine} are not what float64 arithmetic gives`)
    }
  })
  if (check.expected !== null) {
    const { inputs, outputs, plan: predict, tolerance: allowed } = check.expected
    runtime.scope(() => {
      const answer = extract(runtime, resident, file, predict, inputs)
      for (const [name, recorded] of Object.entries(outputs)) {
        const given = answer.traced.outputs.find((output) => output.name === name)
        const difference = given === undefined ? Infinity : arrayDifference(recorded, given.values)
        hold(`keras: ${name}`, difference, allowed, `output "${name}" is not what Keras recorded in statescope.json`)
      }
    })
  }
  const receipt = { engine, checked, maxDifference: worst, tolerance, sound: faults.length === 0 }
  return faults.length === 0 ? { receipt } : { receipt, reason: faults.join('; ') }
}

/** About how many multiplications a run takes: every weight once a step of the input. */
export function multiplications (file: ModelFile, { inputs }: Batch): number {
  const weights = (layer: Layer): number => Object.values(layer.weights).reduce((sum, { data }) => sum + data.length, 0) +
    [...Object.values(layer.children), ...Object.values(layer.graph?.layers ?? {})].reduce((sum, child) => sum + weights(child), 0)
  const places = Math.max(1, ...Object.values(inputs).map(({ shape }) => shape.slice(0, shape.length > 3 ? -1 : 2).reduce((a, b) => a * b, 1)))
  // A lookup costs nothing, however many words it knows.
  return places * Object.values(file.graph.layers).filter(({ className }) => className !== 'Embedding').reduce((sum, layer) => sum + weights(layer), 0)
}

export function compare (a: Traced, b: Traced): { difference: number, where: string } {
  let found = { difference: 0, where: '' }
  const pair = (where: string, x: Values, y: Values): void => {
    const difference = arrayDifference(y, x)
    if (difference > found.difference) found = { difference, where }
  }
  a.layers.forEach(({ key, tensors }, n) => { for (const [name, values] of Object.entries(tensors)) pair(`${key}/${name}`, values, b.layers[n].tensors[name]) })
  a.outputs.forEach(({ name, values }, n) => pair(`output "${name}"`, values, b.outputs[n].values))
  return found
}

/** Some steps of one cell again in float64, from the engine's own input and states before them. */
function repeatSteps<T> ({ ops, read }: Runtime<T>, keras: 1 | 2 | 3, { layer, run }: Evidence<T>): number {
  const cell = cellOf(layer)!
  const length = ops.shape(run.x)[0]
  const steps = [...new Set(Array.from({ length: sampled }, (_, n) => Math.round(n * (length - 1) / (sampled - 1))))]
  const referee = plainRuntime()
  const call: CellCall<Plain> = { ops: plainOps(), layer, keras, weights: referee.resident.weightsOf(layer) }
  const past = before({ ops, layer, keras, weights: {} }, run as Read<T>)
  return Math.max(...steps.map((step) => {
    const at = (x: T): Values => read(ops.slice(x, 0, step, step + 1))
    const plain = (x: T): Plain => referee.runtime.ops.constant(at(x).data, at(x).shape)
    const states = past.map(plain)
    const { gates } = cell.compute(call, cell.project(call, plain(run.x)), states)
    const mask = run.mask === null ? null : at(run.mask).data
    return Math.max(...cell.update(call, gates, states).map((next, n) => {
      const [mine, kept, theirs] = [referee.runtime.read(next), at(past[n]), at(run.states[n])]
      const size = unitsOf(layer) * (mine.data.length / unitsOf(layer) / mine.shape[1])
      const expected = mask === null ? mine.data : mine.data.map((value, i) => mask[Math.floor(i / size)] === 0 ? kept.data[i] : value)
      return arrayDifference({ shape: mine.shape, data: expected }, theirs)
    }))
  }))
}
