import { Fault } from '../../errors.ts'
import type { Plan } from '../../plan/plan.ts'
import type { Receipt } from '../../registry/entry.ts'
import type { Batch } from '../../request/probe.ts'
import type { CarryOut, Subject } from '../study.ts'
import { batchOf, everybody, type Coalition, type Row } from './coalitions.ts'
import { insertion, occlusion, type CoalitionMethod } from './methods.ts'
import { playersOf, type Players } from './players.ts'
import type { Method, Relevance } from './study.ts'

const byCoalitions: Readonly<Record<Method, CoalitionMethod>> = { insertion, occlusion }

/** Rows times steps of one run: bounds what lies in memory at once. */
const atOnce = 2 ** 16

/** Value and value of the baseline in runs of their own; then the coalitions of all methods in batched runs, shared where methods need the same. */
export const relevance: CarryOut<Relevance> = async (subject, plan, batch, study) => {
  const [steps] = Object.keys(study.baseline).map((name) => batch.inputs[name].shape[1])
  const players = playersOf(batch.size, steps, study.window, study.counts)
  const sequences = Array.from({ length: batch.size }, (_, n) => n)
  const valuesOf = evaluator(subject, plan, batch, study, players, Math.max(1, Math.floor(atOnce / steps)))
  const all = everybody(players)
  const ends = await valuesOf([...sequences.map((sequence) => ({ sequence, coalition: all })), ...sequences.map((sequence) => ({ sequence, coalition: 0 }))])
  const [value, baselineValue] = [ends.values.slice(0, batch.size), ends.values.slice(batch.size)]

  const coalitions = [...new Set(study.methods.flatMap((name) => byCoalitions[name].coalitions(players.names.length)))]
  const place = new Map(coalitions.map((coalition, n) => [coalition, n]))
  const { values, receipt } = await valuesOf(sequences.flatMap((sequence) => coalitions.map((coalition) => ({ sequence, coalition }))))
  const methods = Object.fromEntries(study.methods.map((name) => {
    const shares = sequences.map((sequence) => byCoalitions[name].shares(players.names.length, (coalition: Coalition) => values[sequence * coalitions.length + place.get(coalition)!]))
    const lags = Object.fromEntries(players.names.map((lag, n) => [lag, shares.map((own) => own[n])]))
    const residual = Math.max(...shares.map((own, n) => Math.abs(own.reduce((a, b) => a + b, 0) - (value[n] - baselineValue[n]))))
    return [name, { lags, residual }]
  }))
  return { value, baselineValue, methods, receipt: receipt.maxDifference > ends.receipt.maxDifference ? receipt : ends.receipt }
}

/** Runs rows in pieces, and reads the explained entry of the plan's first output. */
function evaluator (subject: Subject, plan: Plan, batch: Batch, { baseline, index }: Relevance, players: Players, most: number): (rows: readonly Row[]) => Promise<{ values: number[], receipt: Receipt }> {
  return async (rows) => {
    const values: number[] = []
    let worst: Receipt | null = null
    for (let from = 0; from < rows.length; from += most) {
      const { traced: { outputs: [{ name, values: { shape, data } }] }, receipt } = await subject.run(plan, batchOf(batch, baseline, players, rows.slice(from, from + most)))
      const units = shape.length === 1 ? 1 : shape[shape.length - 1]
      if (index >= units) throw new Fault('invalid_value', `output "${name}" has ${units} values for a sequence, 0 to ${units - 1}: there is none at ${index}`, '/output')
      const each = data.length / shape[0]
      for (let row = 0; row < shape[0]; row++) values.push(data[(row + 1) * each - units + index])
      if (worst === null || receipt.maxDifference > worst.maxDifference) worst = receipt
    }
    return { values, receipt: worst! }
  }
}
