import { number } from './config.ts'
import type { LayerFunction } from './layer.ts'
import { result } from './result.ts'

/** Masks the steps at which every feature equals mask_value, and puts zeros there. The value is compared as the float32 it becomes in Keras. */
export const masking: LayerFunction = ({ ops, layer, keras, inputs: [x] }) => {
  const kept = ops.reduce('any', ops.compare('notEqual', x, Math.fround(number(layer, 'mask_value'))), [-1], true)
  return result(keras === 3 ? ops.where(kept, x, 0) : ops.mul(x, ops.cast(kept, 'float')), ops.squeeze(kept, -1))
}
