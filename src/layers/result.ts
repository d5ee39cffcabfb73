import type { LayerCall, LayerResult } from './layer.ts'

/** The result of a layer with one output. */
export function result<T> (output: T, mask: T | null): LayerResult<T> {
  return { outputs: [output], masks: [mask] }
}

/** One output with the mask the first input carries: what Keras does for a layer that supports masking and does not compute masks itself. */
export function passing<T> (call: LayerCall<T>, output: T): LayerResult<T> {
  return result(output, call.masks[0] ?? null)
}

/** The mask for a layer that takes one in its call: the one given by name, else the one its first input carries. */
export function maskGiven<T> (call: LayerCall<T>): T | null {
  return call.named.mask?.tensors[0] ?? call.masks[0] ?? null
}

/** The number of axes. */
export function rank<T> ({ ops }: LayerCall<T>, x: T): number {
  return ops.shape(x).length
}

/** An axis counted from the start. */
export function fromStart (axis: number, axes: number): number {
  return axis < 0 ? axis + axes : axis
}

/** The masks there are. */
export function those<T> (masks: readonly (T | null)[]): T[] {
  return masks.flatMap((mask) => mask === null ? [] : [mask])
}
