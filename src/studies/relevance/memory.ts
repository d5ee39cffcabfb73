import type { Values } from '../../model.ts'
import type { MemoryCell, MemoryPlan } from '../../plan/memory.ts'
import type { Batch } from '../../request/probe.ts'
import type { Subject } from '../study.ts'
import { lagsOf, type Players } from './players.ts'
import type { Lags } from './summary.ts'

/** What wrote the last state of one cell. */
export interface Written {
  readonly name: string
  readonly findings: {
    readonly state: MemoryCell['state']
    /** Shares of the absolute size, `[batch]` each. */
    readonly lags: Lags
    /** The share of the state before the first step, `[batch]`. */
    readonly initial: readonly number[]
    /** How far the parts are from adding up to the state, at worst. */
    readonly residual: number
    /** What each step wrote, `[batch, step, unit]`. */
    readonly written: Values
  }
}

/**
 * The state after the last step read, exactly, as a sum over the steps that wrote it: for an LSTM c = sum over j of (product of f after j) * i_j * g_j + (product of all f) * c_0,
 * for a GRU h = sum over j of (product of z after j) * (1 - z_j) * candidate_j + (product of all z) * h_0, element by element. A masked step is skipped.
 */
export async function memory (subject: Subject, { plan, cells }: MemoryPlan, batch: Batch, players: Players): Promise<Written[]> {
  const { traced: { layers, outputs } } = await subject.run(plan, batch)
  return cells.map((cell) => {
    const { tensors } = layers[cell.layer]
    const gate = (name: string): Values => tensors[`${cell.prefix}gates/${name}`]
    const { initial } = cell
    const start = initial === null ? null : 'output' in initial ? outputs[initial.output].values : batch.inputs[initial.input]
    const given = { kept: gate(cell.state === 'cell' ? 'forget' : 'update'), written: cell.state === 'cell' ? gate('input') : null, candidate: gate('candidate'), mask: maskOf(tensors, cell), start }
    return { name: cell.name, findings: takeApart(cell, given, tensors[`${cell.prefix}final/${cell.state}`], players) }
  })
}

/** The mask of a layer stands beside its directions and cells. */
const maskOf = (tensors: Readonly<Record<string, Values>>, { prefix }: MemoryCell): Values | null => tensors[`${prefix}mask`] ?? tensors.mask ?? null

interface Gates { readonly kept: Values, readonly written: Values | null, readonly candidate: Values, readonly mask: Values | null, readonly start: Values | null }

function takeApart ({ state, reverse }: MemoryCell, { kept, written, candidate, mask, start }: Gates, final: Values, players: Players): Written['findings'] {
  const [batch, steps, ...rest] = kept.shape
  const units = rest.reduce((a, b) => a * b, 1)
  const parts = new Float32Array(batch * steps * units)
  /** Of each sequence, by step: sums over the units of what is there in absolute value. */
  const sizes = new Float64Array(batch * steps)
  const starts = new Float64Array(batch)
  let residual = 0
  for (let b = 0; b < batch; b++) {
    for (let unit = 0; unit < units; unit++) {
      let [left, sum] = [1, 0]
      for (let n = 0; n < steps; n++) {
        const step = b * steps + (reverse ? n : steps - 1 - n)
        if (mask?.data[step] === 0) continue
        const at = step * units + unit
        const part = left * (written === null ? 1 - kept.data[at] : written.data[at]) * candidate.data[at]
        parts[at] = part
        sizes[step] += Math.abs(part)
        sum += part
        left *= kept.data[at]
      }
      const first = left * (start?.data[b * units + unit] ?? 0)
      starts[b] += Math.abs(first)
      residual = Math.max(residual, Math.abs(sum + first - final.data[b * units + unit]))
    }
    const whole = sizes.subarray(b * steps, (b + 1) * steps).reduce((a, x) => a + x, starts[b]) || 1
    for (let n = 0; n < steps; n++) sizes[b * steps + n] /= whole
    starts[b] /= whole
  }
  return { state, lags: lagsOf(players, batch, sizes), initial: [...starts], residual, written: { shape: kept.shape, data: parts } }
}
