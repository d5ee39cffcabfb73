import { describeSample } from '../../describe/describe.ts'
import type { Fault, FaultCode } from '../../errors.ts'
import type { ModelFile, Values } from '../../model.ts'
import { planAll } from '../../plan/by-name.ts'
import type { Served } from '../../registry/entry.ts'
import { decodeRequest } from '../../request/decode.ts'
import { slotsOf } from '../../request/inputs.ts'
import type { Batch } from '../../request/probe.ts'
import { datatypeOf } from '../../request/v2.ts'
import type { Service } from '../service.ts'
import { inferred } from './answer.ts'

/** A tensor as metadata tells of it; -1 is an open size. */
interface Tensor { readonly name: string, readonly datatype: string, readonly shape: readonly number[] }

/** Another try may succeed. */
const busy: readonly FaultCode[] = ['queue_full', 'not_ready', 'deadline']

const known = new WeakMap<ModelFile, Promise<readonly Tensor[]>>()

/** What a model takes, any batch size. */
export function inputsOf ({ file }: Served): Tensor[] {
  return slotsOf(file).map((slot) => ({ name: slot.name, datatype: datatypeOf(slot), shape: slot.expected.map((size) => size ?? -1) }))
}

/**
 * What a model can give: its own outputs, then the internals that it has. Found once by running the model on its sample, and again on one twice
 * as long where the file leaves sizes open: a size that differs then is open too.
 */
export async function outputsOf (service: Service, entry: Served): Promise<readonly Tensor[]> {
  let tensors = known.get(entry.file)
  if (tensors === undefined) {
    tensors = find(service, entry)
    known.set(entry.file, tensors)
    // A queue that was full is no answer for good.
    tensors.catch(() => known.delete(entry.file))
  }
  return await tensors
}

async function find ({ pool }: Service, entry: Served): Promise<readonly Tensor[]> {
  const plan = planAll(entry.file)
  const { batch } = decodeRequest(describeSample(entry), entry)
  const shapes = async (sample: Batch): Promise<readonly Tensor[]> => {
    const { json } = inferred(await pool.run(entry.key, { plan, batch: sample, format: 'v2', independent: false, head: { model: entry.id, version: String(entry.version), digest: entry.digest, outputs: null } }))
    return json.outputs
  }
  // Before the first run takes the batch along.
  const longer = twice(batch, entry)
  const first = await shapes(batch)
  const second = longer === null
    ? first
    : await shapes(longer).catch((error: Fault) => {
      if (busy.includes(error.code)) throw error
      return null
    })
  // A model that does not take the longer one keeps it to itself which sizes are fixed.
  const isOpen = (n: number, axis: number): boolean => axis === 0 || second?.[n].shape[axis] !== first[n].shape[axis]
  return first.map(({ name, datatype, shape }, n) => ({ name, datatype, shape: shape.map((size, axis) => isOpen(n, axis) ? -1 : size) }))
}

/** The sample with each open size doubled; null where only the batch is open. */
function twice (batch: Batch, { file }: Served): Batch | null {
  const slots = slotsOf(file)
  const open = slots.map(({ expected }) => expected.flatMap((size, axis) => size === null && axis > 0 ? [axis] : []))
  if (open.every((axes) => axes.length === 0)) return null
  return { ...batch, inputs: Object.fromEntries(slots.map(({ name }, n) => [name, open[n].reduce(repeated, { ...batch.inputs[name], data: batch.inputs[name].data.slice() })])) }
}

/** An array followed by itself along an axis. */
function repeated ({ shape, data }: Values, axis: number): Values {
  const block = shape.slice(axis).reduce((a, b) => a * b, 1)
  const values = new Float32Array(2 * data.length)
  for (let from = 0; from < data.length; from += block) {
    const part = data.subarray(from, from + block)
    values.set(part, 2 * from)
    values.set(part, 2 * from + block)
  }
  return { shape: shape.map((size, n) => n === axis ? 2 * size : size), data: values }
}
