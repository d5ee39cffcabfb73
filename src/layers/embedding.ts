import { flag } from './config.ts'
import type { LayerFunction } from './layer.ts'
import { result } from './result.ts'

/** ids `[batch, ...]` -> `[batch, ..., unit]`; with mask_zero the ids that are 0 are masked, whatever mask comes in. */
export const embedding: LayerFunction = ({ ops, layer, inputs: [ids], weights }) =>
  result(ops.gather(weights.embeddings, ops.cast(ids, 'int'), 0), flag(layer, 'mask_zero') ? ops.compare('notEqual', ids, 0) : null)
