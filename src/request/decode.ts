import { Fault } from '../errors.ts'
import type { Served } from '../registry/entry.ts'
import { readFlag, readLayers, readSteps, readTensors } from './choices.ts'
import { readInitialState } from './initial-state.ts'
import { readInputs } from './inputs.ts'
import { readInterventions } from './intervene.ts'
import type { Batch, Probe } from './probe.ts'
import { checkSummarised, readSummary, summaryKinds, type SummaryChoice } from './summary.ts'
import { got, isObject, list } from './words.ts'

export type RequestKind = 'predict' | 'hidden-states'

/** `model` and `version` have found the entry before. */
const members: Readonly<Record<RequestKind, readonly string[]>> = {
  predict: ['model', 'version', 'inputs', 'raw', 'initialState'],
  'hidden-states': ['model', 'version', 'inputs', 'raw', 'initialState', 'layers', 'tensors', 'steps', 'outputs', 'summary', 'intervene']
}

/** A body read: `summary` is null where the tensors themselves are asked for. */
export interface Decoded { readonly probe: Probe, readonly batch: Batch, readonly summary: SummaryChoice | null }

/**
 * A JSON body, checked member by member against the model it is for: what is asked, and the numbers. Throws Fault with a pointer to the
 * member or the element that is wrong.
 */
export function decodeRequest (body: unknown, { file, meta }: Pick<Served, 'file' | 'meta'>, kind: RequestKind = 'hidden-states'): Decoded {
  if (!isObject(body)) throw new Fault('malformed', `expected an object with 'inputs', got ${got(body)}`, '')
  const unknown = Object.keys(body).find((name) => !members[kind].includes(name))
  if (unknown !== undefined) {
    const elsewhere = members['hidden-states'].includes(unknown) ? '; it belongs to /hidden-states' : ''
    throw new Fault('invalid_value', `there is no member '${unknown}' here${elsewhere}; there are: ${list(members[kind])}`, `/${unknown}`)
  }
  if (body.inputs === undefined) throw new Fault('invalid_value', `'inputs' is missing: the model takes ${list(file.graph.inputs.map(({ name }) => name))}`, '/inputs')

  const raw = readRaw(body.raw, { file, meta })
  const summary = readSummary(body.summary, '/summary')
  const probe: Probe = kind === 'predict'
    ? { layers: [], tensors: [], steps: 'all', outputs: true, raw }
    : {
        layers: readLayers(body.layers, '/layers'),
        tensors: summary !== null && body.tensors === undefined ? summaryKinds : readTensors(body.tensors, '/tensors'),
        steps: readSteps(body.steps, '/steps'),
        outputs: readFlag(body.outputs, '/outputs'),
        raw,
        ...(body.intervene === undefined ? {} : { intervene: readInterventions(body.intervene, '/intervene') })
      }
  if (summary !== null) checkSummarised(probe)
  const inputs = readInputs(body.inputs, file, meta, raw, '/inputs')
  const size = Object.values(inputs)[0].shape[0]
  return { probe, summary, batch: { inputs, initial: readInitialState(body.initialState, file.graph, size, '/initialState'), size } }
}

/** Whether the numbers are in the units of the data, for a model that has a scaler. */
export function readRaw (value: unknown, { file, meta }: Pick<Served, 'file' | 'meta'>): boolean {
  const raw = readFlag(value, '/raw')
  if (raw && (meta.scaler === undefined || file.graph.inputs.length !== 1 || file.graph.outputs.length !== 1)) {
    throw new Fault('invalid_value', meta.scaler === undefined
      ? "this model's statescope.json has no scaler: scale the inputs yourself and leave raw out"
      : 'a scaler serves models of one input and one output: scale the inputs yourself and leave raw out', '/raw')
  }
  return raw
}
