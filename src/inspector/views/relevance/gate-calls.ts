import type { Call } from '../../api/call.ts'
import type { ModelAnswer, RecurrentLayer } from '../../api/wire.ts'
import { bodyOf, type Given } from '../../state/model.ts'
import type { Gate } from './gates.ts'

/** The mean of each unit over all sequences and steps. */
export function meansCall (model: ModelAnswer, given: Given, { key }: RecurrentLayer): Call {
  return { method: 'POST', path: 'hidden-states', body: { ...bodyOf(model, given), layers: key, tensors: 'gates', summary: {} } }
}

/** The prediction as it is, with the steps of a layer and which of them it masks. Small: of its states only the last. */
export function plainCall (model: ModelAnswer, given: Given, { key }: RecurrentLayer): Call {
  return { method: 'POST', path: 'hidden-states', body: { ...bodyOf(model, given), layers: key, tensors: 'final', outputs: true } }
}

/** The prediction with a gate held, at one step or (null) at all. */
export function heldCall (model: ModelAnswer, given: Given, { key }: RecurrentLayer, { layer, gate }: Gate, step: number | null, value: number | readonly number[]): Call {
  const held = { layer, gate, ...step === null ? {} : { steps: [step] }, value }
  return { method: 'POST', path: 'hidden-states', body: { ...bodyOf(model, given), layers: key, tensors: 'final', steps: 'last', intervene: [held] } }
}
