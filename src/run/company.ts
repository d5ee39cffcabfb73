import type { Values } from '../model.ts'
import type { Plan } from '../plan/plan.ts'
import type { Receipt } from '../registry/entry.ts'
import type { Batch } from '../request/probe.ts'
import type { Traced } from './extract.ts'
import type { Hosted } from './hosted.ts'

/** What one of several batches gets back: its answer, or why it has none. */
export type Outcome = { readonly traced: Traced, readonly receipt: Receipt } | { readonly error: unknown }

/**
 * Runs one plan on the batches of several requests: as one batch, and where that fails each by itself, so that what is wrong with one is no other's
 * trouble. Only for plans whose sequences are `independent`, and batches that `fit` each other; the outcomes stand in their order.
 */
export async function runTogether (model: Pick<Hosted, 'run'>, plan: Plan, batches: readonly Batch[]): Promise<Outcome[]> {
  if (batches.length > 1) {
    try {
      const { traced, receipt } = await model.run(plan, join(batches))
      return split(traced, batches.map(({ size }) => size)).map((traced) => ({ traced, receipt }))
    } catch {
      // Each alone says what is wrong.
    }
  }
  const outcomes: Outcome[] = []
  for (const batch of batches) outcomes.push(await model.run(plan, batch).catch((error: unknown) => ({ error })))
  return outcomes
}

/** Several batches as one, in their order: `[batch, ...]` one after the other. */
export function join (batches: readonly Batch[]): Batch {
  const size = batches.reduce((sum, batch) => sum + batch.size, 0)
  const all = (of: (batch: Batch) => Values): Values => {
    const parts = batches.map(of)
    const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0))
    let at = 0
    for (const part of parts) {
      data.set(part.data, at)
      at += part.data.length
    }
    return { shape: parts[0].shape.with(0, size), data }
  }
  const [{ inputs, initial }] = batches
  return {
    size,
    inputs: Object.fromEntries(Object.keys(inputs).map((name) => [name, all((batch) => batch.inputs[name])])),
    initial: Object.fromEntries(Object.entries(initial).map(([key, states]) => [key, Object.fromEntries(Object.keys(states).map((name) => [name, all((batch) => batch.initial[key][name])]))]))
  }
}

/** The answer to a joined batch apart again: `sizes` sequences each. Views, no copies. Throws where an array is not of so many sequences. */
export function split (traced: Traced, sizes: readonly number[]): Traced[] {
  let from = 0
  return sizes.map((size) => {
    const cut = ({ shape, data }: Values): Values => {
      if (shape[0] !== traced.batch) throw new RangeError(`an array of shape [${shape}] is not of ${traced.batch} sequences`)
      const each = data.length / traced.batch
      return { shape: shape.with(0, size), data: data.subarray(from * each, (from + size) * each) }
    }
    const part = ({ layers, outputs }: Pick<Traced, 'layers' | 'outputs'>): Pick<Traced, 'layers' | 'outputs'> => ({
      layers: layers.map((layer) => ({ ...layer, tensors: Object.fromEntries(Object.entries(layer.tensors).map(([name, values]) => [name, cut(values)])) })),
      outputs: outputs.map(({ name, values }) => ({ name, values: cut(values) }))
    })
    const own: Traced = { ...traced, batch: size, ...part(traced), ...(traced.intervened === undefined ? {} : { intervened: part(traced.intervened) }) }
    from += size
    return own
  })
}
