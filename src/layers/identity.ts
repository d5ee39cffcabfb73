import type { LayerFunction } from './layer.ts'
import { passing, result } from './result.ts'

/** Layers that act in training alone (dropouts, noise, regularisation): the input as it is, with its mask. */
export const trainingOnly: LayerFunction = (call) => passing(call, call.inputs[0])

/** Identity. Keras 2's does not support masking: the mask ends there. */
export const identity: LayerFunction = (call) => call.keras === 3 ? passing(call, call.inputs[0]) : result(call.inputs[0], null)
