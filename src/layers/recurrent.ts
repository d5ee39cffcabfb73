import type { CellCall } from '../cells/cell.ts'
import { cellsIn, unitsOf } from '../cells/cells.ts'
import { heldOf, type Held } from '../cells/held.ts'
import { blank, contributions, last, lastStepOf, outputs, read, recompute, type Read } from '../cells/recurrent.ts'
import { Fault } from '../errors.ts'
import type { Ops } from '../ops/ops.ts'
import type { Evidence, LayerCall, LayerFunction } from './layer.ts'

/** The first two axes changed places: `[batch, step, ...]` <-> `[step, batch, ...]`. */
export function swap<T> (ops: Ops<T>, x: T): T {
  return ops.transpose(x, ops.shape(x).map((_, axis) => axis < 2 ? 1 - axis : axis))
}

/**
 * LSTM, GRU, SimpleRNN, ConvLSTM, RNN(cell) and RNN(StackedRNNCells). Stacked cells are run one after the other over all steps, which is
 * the same as step by step: a cell hears only what the one below it gave at the same step.
 */
export const recurrent: LayerFunction = (call) => {
  const { ops, layer, wanted } = call
  const { config } = layer
  const batchFirst = config.time_major !== true
  const reverse = config.go_backwards === true
  const turn = <T>(o: Ops<T>, x: T): T => batchFirst ? swap(o, x) : x
  const mask = maskOf(call)
  const stepMask = mask === null ? null : turn(ops, mask)
  const runs = runCells(call, turn(ops, call.inputs[0]), stepMask, reverse)

  const top = runs[runs.length - 1]
  const zeroMasked = (call.values.zero_output_for_mask ?? config.zero_output_for_mask) === true
  // An unrolled Keras layer zeroes its outputs in reading order by the mask in input order: backwards, other steps than the masked ones.
  const twisted = zeroMasked && reverse && config.unroll === true
  const sequence = outputs(top.bound, top.run, top.brought, zeroMasked && !twisted)
  const asRead = reverse ? ops.reverse(sequence, 0) : sequence
  const output = config.return_sequences === true ? turn(ops, twisted ? blank(top.bound, asRead, stepMask) : asRead) : last(top.bound, top.run, sequence)
  const ordered = config.reverse_state_order === true || layer.children.cell?.config.reverse_state_order === true ? runs.toReversed() : runs
  const states = config.return_state === true ? ordered.flatMap(({ bound, run }) => run.states.map((state) => last(bound, run, state))) : []

  const internals: Record<string, typeof output> = {}
  if (mask !== null && wanted.has('mask')) internals.mask = shownMask(call, batchFirst ? mask : swap(ops, mask))
  const evidence = runs.map((one): Evidence<typeof output> => {
    const returned = internalsOf(call, one)
    for (const [name, value] of Object.entries(returned)) internals[one.at === '' ? name : `${one.at}/${name}`] = value
    // One step is held against nothing; the run it is cut from is.
    return { at: one.at, layer: one.layer, run: one.run, returned: call.lastStep ? {} : returned }
  })
  const given = explicitMask(call) ?? call.masks[0] ?? null
  const outputMask = config.return_sequences === true ? (call.keras === 3 ? call.masks[0] ?? null : given) : null
  return { outputs: [output, ...states], masks: [outputMask, ...states.map(() => null)], internals, evidence }
}

interface CellRun<T> { at: string, layer: Evidence<T>['layer'], cell: ReturnType<typeof cellsIn>[number]['cell'], bound: CellCall<T>, run: Read<T>, brought: boolean }

/** States wired to the layer in the graph, in Keras' order. */
function wired<T> (call: LayerCall<T>): readonly T[] {
  return [...call.inputs.slice(1), ...(call.named.initial_state?.tensors ?? [])]
}

/** The mask that Keras applies. Keras 3 hands a layer its mask only where it has a single tensor argument, so not beside an initial_state. */
function maskOf<T> (call: LayerCall<T>): T | null {
  return explicitMask(call) ?? (call.keras === 3 && wired(call).length > 0 ? null : call.masks[0] ?? null)
}

/** A mask `[batch, step]` as it is given back. */
export const shownMask = <T>({ ops, lastStep }: LayerCall<T>, mask: T): T => lastStep ? ops.slice(mask, 1, -1) : mask

/** A mask given by name, which may be numbers. */
export function explicitMask<T> ({ ops, named }: LayerCall<T>): T | null {
  return named.mask === undefined ? null : ops.cast(named.mask.tensors[0], 'bool')
}

/** Runs the layer's cells, each over all steps; x `[step, batch, ...]`. */
function runCells<T> (call: LayerCall<T>, x: T, mask: T | null, reverse: boolean): CellRun<T>[] {
  const { ops, layer, keras } = call
  const cells = cellsIn(layer)
  const given = [...wired(call)]
  const count = cells.reduce((sum, { cell }) => sum + cell.states.length, 0)
  if (given.length !== 0 && given.length !== count) {
    throw new Fault('bad_file', `layer "${layer.path}" (${layer.className}) has ${count} states but is given ${given.length} initial states`)
  }
  const reversed = layer.children.cell?.config.reverse_state_order === true
  const wiredTo = new Map((reversed ? cells.toReversed() : cells).map(({ at, cell }) => [at, given.splice(0, cell.states.length)]))
  const runs: CellRun<T>[] = []
  let heard = x
  for (const { at, layer: inner, cell } of cells) {
    const bound: CellCall<T> = { ops, keras, layer: inner, weights: inner === layer ? call.weights : call.weightsOf(inner) }
    const place = (name: string): string => at === '' ? name : `${at}/${name}`
    const asked = cell.states.map((state) => call.initial[place(state)])
    const own = wiredTo.get(at)!
    let initial: T[] | null = own.length > 0 ? own : null
    if (asked.some((state) => state !== undefined)) {
      if (initial === null && asked.includes(undefined as T)) {
        throw new Fault('invalid_value', `initialState of "${layer.path}" must bring every state of its cell: ${cell.states.map(place).join(', ')}`, '/initialState')
      }
      initial = asked.map((state, n) => state ?? own[n])
    }
    const withGates = !call.lastStep && cell.gates.some(({ gate }) => call.wanted.has(place(`gates/${gate}`)))
    const run = read(cell, bound, { x: heard, mask, initial, reverse, withGates, held: heldIn(call, inner, cell, place, heard) })
    runs.push({ at, layer: inner, cell, bound, run, brought: initial !== null })
    heard = run.states[0]
  }
  return runs
}

/** What the call keeps of one cell, by the cell's own names; undefined: nothing. */
function heldIn<T> ({ ops, clamps = {} }: LayerCall<T>, layer: CellRun<T>['layer'], { gates, states }: CellRun<T>['cell'], place: (name: string) => string, x: T): Held<T> | undefined {
  const paths = [...gates.map(({ gate }) => [gate, place(`gates/${gate}`)] as const), ...states.map((state) => [state, place(state)] as const)]
  const own = new Map(paths.filter(([, path]) => Object.hasOwn(clamps, path)).map(([name, path]) => [name, clamps[path]]))
  return own.size === 0 ? undefined : heldOf(ops, own, x, unitsOf(layer))
}

const parts = ['input', 'recurrent', 'bias'] as const

/** The asked internals of one cell's run, by name relative to the cell. */
function internalsOf<T> (call: LayerCall<T>, { at, cell, bound, run }: CellRun<T>): Record<string, T> {
  const { ops, wanted } = call
  const returned: Record<string, T> = {}
  const asks = (name: string): boolean => wanted.has(at === '' ? name : `${at}/${name}`)
  const put = (name: string, value: () => T): void => { if (asks(name)) returned[name] = value() }
  const shown = call.lastStep ? lastStepOf(bound, run) : run
  const stepwise = (value: T): T => swap(ops, blank(bound, value, shown.mask))
  cell.states.forEach((state, n) => {
    put(state, () => swap(ops, shown.states[n]))
    put(`final/${state}`, () => last(bound, run, run.states[n]))
  })
  const names = cell.gates.map(({ gate }) => gate)
  const again = names.some((gate) => asks(`preactivations/${gate}`) || (shown.gates === null && asks(`gates/${gate}`))) ? recompute(cell, bound, shown) : null
  const gates = shown.gates ?? again?.gates ?? {}
  for (const gate of names) {
    put(`gates/${gate}`, () => shown.blanked === true ? swap(ops, gates[gate]) : stepwise(gates[gate]))
    put(`preactivations/${gate}`, () => stepwise(again!.preactivations[gate]))
  }
  if (names.some((gate) => parts.some((part) => asks(`contributions/${gate}/${part}`)))) {
    for (const [gate, parted] of Object.entries(contributions(cell, bound, shown))) {
      for (const part of parts) put(`contributions/${gate}/${part}`, () => stepwise(parted[part]))
    }
  }
  return returned
}
