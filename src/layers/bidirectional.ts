import { Fault } from '../errors.ts'
import { explicitMask, shownMask } from './recurrent.ts'
import type { ChildCall, LayerCall, LayerFunction } from './layer.ts'

/** The names under `place/`, without it. */
export function under (names: ReadonlySet<string>, place: string): ReadonlySet<string> {
  return new Set([...names].filter((name) => name.startsWith(`${place}/`)).map((name) => name.slice(place.length + 1)))
}

/** The entries under `place/`, without it. */
export function entriesUnder<T> (entries: Readonly<Record<string, T>>, place: string): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).filter(([name]) => name.startsWith(`${place}/`)).map(([name, value]) => [name.slice(place.length + 1), value]))
}

/**
 * Bidirectional: a forward and a backward layer over the same input. The backward output is put back into input time only where whole
 * sequences are returned. Masked outputs are zero then, whatever the inner layers say (Keras forces it on both).
 */
export const bidirectional: LayerFunction = (call) => {
  const { ops, layer, wanted, keras } = call
  const { forward } = layer.children
  const sequences = forward.config.return_sequences === true
  const [x, ...rest] = call.inputs
  const states = [...rest, ...(call.named.initial_state?.tensors ?? [])]
  const half = states.length / 2
  if (!Number.isInteger(half)) throw new Fault('bad_file', `layer "${layer.path}" (Bidirectional) is given ${states.length} initial states: it takes as many for each direction`)
  const explicit = explicitMask(call)
  const mask = explicit ?? (keras === 3 && states.length > 0 ? null : call.masks[0] ?? null)
  const run = (place: 'forward' | 'backward', own: readonly (typeof x)[]): ReturnType<typeof call.run> => {
    const child: ChildCall<typeof x> = {
      inputs: [x, ...own],
      masks: [mask, ...own.map(() => null)],
      // A mask that is there is handed on by name: the inner call must not judge again whether to apply it.
      named: mask === null ? {} : { mask: { tensors: [mask], masks: [null] } },
      values: { zero_output_for_mask: sequences },
      wanted: under(wanted, place),
      initial: entriesUnder(call.initial, place),
      clamps: entriesUnder(call.clamps ?? {}, place)
    }
    return call.run(layer.children[place], child)
  }
  const [there, back] = [run('forward', states.slice(0, half)), run('backward', states.slice(half))]
  const stepAxis = forward.config.time_major === true ? 0 : 1
  const y = there.outputs[0]
  const reversed = sequences ? ops.reverse(back.outputs[0], stepAxis) : back.outputs[0]
  const merged = merge(call, y, reversed)
  const given = keras === 3 ? call.masks[0] ?? null : mask
  const outputMask = sequences ? given : null
  const finals = [...there.outputs.slice(1), ...back.outputs.slice(1)]
  const place = <V>(at: string, entries: Readonly<Record<string, V>> | undefined): [string, V][] => Object.entries(entries ?? {}).map(([name, value]) => [`${at}/${name}`, value])
  return {
    outputs: [...merged, ...finals],
    masks: [...merged.map(() => outputMask), ...finals.map(() => null)],
    internals: {
      ...Object.fromEntries([...place('forward', there.internals), ...place('backward', back.internals)]),
      ...(mask !== null && wanted.has('mask') ? { mask: shownMask(call, stepAxis === 1 ? mask : ops.transpose(mask, [1, 0])) } : {})
    },
    evidence: [['forward', there] as const, ['backward', back] as const].flatMap(([at, result]) =>
      (result.evidence ?? []).map((one) => ({ ...one, at: one.at === '' ? at : `${at}/${one.at}` })))
  }
}

function merge<T> ({ ops, layer }: LayerCall<T>, y: T, reversed: T): T[] {
  switch (layer.config.merge_mode) {
    case 'concat': return [ops.concat([y, reversed], -1)]
    case 'sum': return [ops.add(y, reversed)]
    case 'ave': return [ops.div(ops.add(y, reversed), 2)]
    case 'mul': return [ops.mul(y, reversed)]
    case null: return [y, reversed]
    default: throw new Fault('bad_file', `layer "${layer.path}" (Bidirectional) has the unknown merge_mode ${JSON.stringify(layer.config.merge_mode)}`)
  }
}
