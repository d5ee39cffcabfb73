import { Fault } from '../../errors.ts'
import type { Values } from '../../model.ts'
import type { Plan } from '../../plan/plan.ts'
import type { Receipt } from '../../registry/entry.ts'
import type { Batch } from '../../request/probe.ts'
import type { CarryOut, Subject } from '../study.ts'
import { batchOf, everybody, type Coalition, type Row } from './coalitions.ts'
import { explained, type Explained } from './explained.ts'
import { integrated } from './integrated.ts'
import { memory } from './memory.ts'
import { insertion, occlusion, shapley, type CoalitionMethod } from './methods.ts'
import { lagsOf, playersOf, type Players } from './players.ts'
import { rowsAtOnce } from './size.ts'
import { countedSteps, keepMasked } from './starts.ts'
import type { Method, Relevance } from './study.ts'
import { agreement, summarize, type Lags } from './summary.ts'

const byCoalitions: Partial<Readonly<Record<Method, CoalitionMethod>>> = { shapley, insertion, occlusion }

/** Numbers of one kind that a run may hold: tens of megabytes. */
const atOnce = 2 ** 23

/** What a method gives: shares by lag, and more. */
type Told = Readonly<Record<string, unknown>> & { readonly lags: Lags }

/**
 * The output and its value at the baseline in a run of their own; then the coalitions of all methods in batched runs, those that several methods need once. All in float64 from
 * the model's float32 outputs, in the model's units; those of the data come last.
 */
export const relevance: CarryOut<Relevance> = async (subject, plan, batch, study) => {
  const { baseline: { kind, values: absent }, inputs, target, scaler, window } = study
  const [steps] = inputs.map(({ name }) => batch.inputs[name].shape[1])
  const counts = countedSteps(inputs, batch)
  const players = playersOf(batch.size, steps, window, counts)
  const sequences = Array.from({ length: batch.size }, (_, n) => n)
  const entry = explained(subject.file, study, players)
  const standIns = keepMasked(inputs, batch, absent)
  const run = runner(subject, plan, batch, standIns, players, entry)
  const ends = await run([everybody(players), 0].flatMap((coalition) => sequences.map((sequence) => ({ sequence, coalition }))))
  const [value, none] = [ends.values.slice(0, batch.size), ends.values.slice(batch.size)]
  const changes = value.map((one, n) => one - none[n])

  const games = await playAll(study.methods, run, players, batch.size)
  const { scale, mean } = unitsOf(study)
  const methods: Record<string, Told> = {}
  for (const name of study.methods) {
    const method = byCoalitions[name]
    if (name === 'memory') methods[name] = await tellMemory(subject, study, batch, players)
    else if (method === undefined) methods[name] = tellIntegrated(subject, plan, batch, { ...study, baseline: { kind, values: standIns } }, players, entry, changes, scale)
    else methods[name] = tellCoalitions(method, games.play, players, changes, scale)
  }
  const receipt = games.receipt !== null && games.receipt.maxDifference > ends.receipt!.maxDifference ? games.receipt : ends.receipt
  const pairs = study.methods.flatMap((name, n) => study.methods.slice(n + 1).map((other) => [name, other] as const))
  return {
    output: target.output,
    window,
    stepInputs: inputs.map(({ name }) => name),
    ...(counts === null ? {} : { lastStep: players.last }),
    value: value.map((one) => one * scale + mean),
    baselineValue: none.map((one) => one * scale + mean),
    baseline: kind,
    baselineInput: shownInput(absent, scaler?.inputs),
    methods,
    agreement: Object.fromEntries(study.methods.slice(0, -1).map((name) =>
      [name, Object.fromEntries(pairs.filter(([one]) => one === name).map(([, other]) => [other, agreement(methods[name].lags, methods[other].lags, players.names)]))])),
    summary: summarize(methods[study.methods[0]].lags, players),
    receipt
  }
}

interface Ran { readonly values: number[], readonly receipt: Receipt | null }
type Run = (rows: readonly Row[]) => Promise<Ran>

/** Runs rows in pieces; the receipt is the worst of theirs. */
function runner (subject: Subject, plan: Plan, batch: Batch, baseline: Readonly<Record<string, Values>>, players: Players, { read }: Explained): Run {
  const most = rowsAtOnce(subject.file, Object.values(batch.inputs), atOnce)
  return async (rows) => {
    const values: number[] = []
    let worst: Receipt | null = null
    for (let from = 0; from < rows.length; from += most) {
      const some = rows.slice(from, from + most)
      const { traced: { outputs: [output] }, receipt } = await subject.run(plan, batchOf(batch, baseline, players, some))
      for (const [n, value] of read(output.values, some.map(({ sequence }) => sequence)).entries()) values.push(finite(value, some[n].coalition === everybody(players)))
      if (worst === null || receipt.maxDifference > worst.maxDifference) worst = receipt
    }
    return { values, receipt: worst }
  }
}

/** A number that the others can be held against. Throws Fault where the model gives none. */
function finite (value: number, whole: boolean): number {
  if (Number.isFinite(value)) return value
  if (whole) throw new Fault('invalid_value', `the model gives ${value} for these inputs: there is nothing to share out`, '/inputs')
  throw new Fault('invalid_value', `the model gives ${value} where steps stand at the baseline (as a mean over no step does): choose another baseline`, '/baseline')
}

type Play = (sequence: number, coalition: Coalition) => number

/** Every coalition that some method needs, of every sequence. */
async function playAll (methods: readonly Method[], run: Run, { names }: Players, batch: number): Promise<{ play: Play, receipt: Receipt | null }> {
  const coalitions = [...new Set(methods.flatMap((name) => byCoalitions[name]?.coalitions(names.length) ?? []))]
  const place = new Map(coalitions.map((coalition, n) => [coalition, n]))
  const { values, receipt } = await run(Array.from({ length: batch }, (_, sequence) => coalitions.map((coalition) => ({ sequence, coalition }))).flat())
  return { play: (sequence, coalition) => values[sequence * coalitions.length + place.get(coalition)!], receipt }
}

function tellCoalitions ({ shares, addsUp }: CoalitionMethod, play: Play, { lags: all, names }: Players, changes: readonly number[], scale: number): Told {
  const given = changes.map((_, sequence) => shares(names.length, (coalition) => play(sequence, coalition)).map((share) => share * scale))
  const lags = Object.fromEntries(all.map((lag, n) => [lag, given.map((own) => own[n] ?? 0)]))
  return { lags, ...(addsUp ? { residual: residualOf(lags, changes, scale) } : {}) }
}

/** How far the lags are from adding up to the change of the output, at worst. */
const residualOf = (lags: Lags, changes: readonly number[], scale: number): number =>
  Math.max(...changes.map((change, n) => Math.abs(Object.values(lags).reduce((sum, lag) => sum + lag[n], 0) - change * scale)))

function tellIntegrated (subject: Subject, plan: Plan, batch: Batch, study: Relevance, players: Players, entry: Explained, changes: readonly number[], scale: number): Told {
  const { features, nodes } = integrated(subject, plan, batch, study, players, entry, changes)
  const [signed, absolute] = [new Float64Array(players.of.length), new Float64Array(players.of.length)]
  for (const { data } of features) {
    const each = data.length / signed.length
    for (let n = 0; n < data.length; n++) {
      data[n] *= scale
      signed[Math.floor(n / each)] += data[n]
      absolute[Math.floor(n / each)] += Math.abs(data[n])
    }
  }
  const lags = lagsOf(players, batch.size, signed)
  const steps = signed.length / batch.size
  const shown = features.map(({ shape, data }) => ({ shape, data: Float32Array.from(data) }))
  return {
    lags,
    absolute: lagsOf(players, batch.size, absolute),
    steps: Array.from({ length: batch.size }, (_, b) => signed.subarray(b * steps, (b + 1) * steps)),
    features: shown.length === 1 ? shown[0] : shown,
    residual: residualOf(lags, changes, scale),
    nodes
  }
}

/** Told of the cell nearest to the output, and of each. */
async function tellMemory (subject: Subject, study: Relevance, batch: Batch, players: Players): Promise<Told> {
  const all = await memory(subject, study.memory!, batch, players)
  const { name, findings: { lags, initial } } = all[all.length - 1]
  return {
    meaning: 'which step wrote the memory that is there after the last step, as shares of its absolute size; not which input caused the output',
    layer: name,
    lags,
    initial,
    residual: Math.max(...all.map(({ findings: { residual } }) => residual)),
    layers: Object.fromEntries(all.map(({ name, findings }) => [name, findings]))
  }
}

/** What a step of the output's own unit is in the units of the data, where the request speaks in them. A logit has no other units. */
function unitsOf ({ scaler, target: { output: { index, of } } }: Relevance): { scale: number, mean: number } {
  const outputs = of === 'value' ? scaler?.outputs : undefined
  return outputs === undefined ? { scale: 1, mean: 0 } : { scale: outputs.scale[index % outputs.scale.length], mean: outputs.mean[index % outputs.mean.length] }
}

/** The baseline in the units of the request: one sequence, or one for each of the batch; by input name where there are several. */
function shownInput (baseline: Readonly<Record<string, Values>>, scaler: { readonly mean: readonly number[], readonly scale: readonly number[] } | undefined): unknown {
  const shown = Object.entries(baseline).map(([name, { shape, data }]) => {
    const own = shape[0] === 1 ? shape.slice(1) : shape
    return [name, scaler === undefined ? { shape: own, data } : nested(own, data, (x, n) => x * scaler.scale[n % scaler.scale.length] + scaler.mean[n % scaler.mean.length])]
  })
  return shown.length === 1 ? shown[0][1] : Object.fromEntries(shown)
}

function nested (shape: readonly number[], data: Float32Array, value: (x: number, n: number) => number): unknown {
  const build = (axis: number, from: number, size: number): unknown => axis === shape.length
    ? value(data[from], from)
    : Array.from({ length: shape[axis] }, (_, n) => build(axis + 1, from + n * size / shape[axis], size / shape[axis]))
  return build(0, 0, data.length)
}
