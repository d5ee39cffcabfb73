import type { Values } from '../model.ts'
import type { Plan } from '../plan/plan.ts'
import type { Receipt } from '../registry/entry.ts'
import type { Batch } from '../request/probe.ts'
import type { Traced } from '../run/extract.ts'
import type { Subject } from './study.ts'

/** Numbers of states and gates that are held at once, where sequences are independent: 4 MiB, and what the engines need to make them. */
const most = 2 ** 20
/** Sequences that fill the machine. */
const fill = 32

/** Runs a batch in parts, one after the other, where no sequence depends on the others; else as one. */
export async function * runParts (subject: Subject, plan: Plan, batch: Batch, independent: boolean): AsyncGenerator<{ part: Batch, traced: Traced, receipt: Receipt }> {
  const rows = independent ? Math.max(fill, Math.floor(most / numbersOf(plan, batch))) : batch.size
  for (let from = 0; from < batch.size; from += rows) {
    const part = rows >= batch.size ? batch : cut(batch, from, Math.min(batch.size, from + rows))
    yield { part, ...await subject.run(plan, part) }
  }
}

/** Some sequences of a batch; views. */
function cut ({ inputs, initial, size }: Batch, from: number, to: number): Batch {
  const each = (arrays: Readonly<Record<string, Values>>): Record<string, Values> => Object.fromEntries(Object.entries(arrays).map(([name, { shape, data }]) => {
    const one = data.length / size
    return [name, { shape: shape.with(0, to - from), data: data.subarray(from * one, to * one) }]
  }))
  return { inputs: each(inputs), initial: Object.fromEntries(Object.entries(initial).map(([key, states]) => [key, each(states)])), size: to - from }
}

/** About how many numbers a plan gives of one sequence. */
function numbersOf ({ layers }: Plan, { inputs }: Batch): number {
  const places = Object.values(inputs).map(({ shape }) => shape.slice(1, Math.max(2, shape.length - 1)).reduce((a, b) => a * b, 1))
  return Math.max(...places) * layers.reduce((sum, { units, internals }) => sum + (units ?? 1) * internals.length, 1)
}

/** The receipt of two runs: what holds for both. */
export function worse (a: Receipt, b: Receipt): Receipt {
  const { warning = b.warning } = a
  return {
    engine: [...new Set([...a.engine.split(', '), ...b.engine.split(', ')])].join(', '),
    checked: [...new Set([...a.checked, ...b.checked])],
    maxDifference: Math.max(a.maxDifference, b.maxDifference),
    tolerance: a.tolerance,
    sound: a.sound && b.sound,
    ...(warning === undefined ? {} : { warning })
  }
}
