import { Fault } from '../errors.ts'
import type { Weight } from '../model.ts'
import { shapeText, type Stored } from './arrays.ts'
import { asKept, type Kept } from './kept.ts'
import type { LayerSpec, ModelSpec, Origin } from './spec.ts'
import { hasWeights, innerLayers, slotsOf, type Slot } from './weight-table.ts'

/**
 * Weights found, layer by layer. They are matched by order and shape, as Keras does; where the file names them, the names must agree too.
 * Throws `bad_file` naming layer, tensor, expected and got.
 */
export class Weights {
  readonly found = new Map<LayerSpec, Record<string, Weight>>()
  /** What a reader of the answers should know of them. */
  readonly notes = new Set<string>()
  readonly #nonFinite: boolean

  /** `nonFinite`: weights that hold NaN or infinity are taken too, with a note. */
  constructor (nonFinite = false) {
    this.#nonFinite = nonFinite
  }

  /** All of a layer's `slots` at once. */
  put (layer: LayerSpec, slots: readonly Slot[], arrays: readonly Stored[]): void {
    const weights = this.found.get(layer) ?? {}
    slots.forEach((slot, n) => {
      check(layer, slot, arrays[n])
      weights[slot.name] = this.#weightOf(arrays[n])
    })
    this.found.set(layer, weights)
  }

  #weightOf (stored: Stored): Weight {
    const data = stored.read()
    const bad = data.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) {
      const what = `weight "${stored.name}" holds ${data[bad]} at place ${bad}`
      if (!this.#nonFinite) throw new Fault('bad_file', `${what}: the model was saved after its training had failed, or the file is damaged. ALLOW_NON_FINITE=true serves it all the same`)
      this.notes.add(what)
    }
    return { shape: stored.shape, data }
  }

  /** Arrays in the order of `kept`; none may be left over or missing. */
  fill (kept: readonly Kept[], arrays: readonly Stored[], what: string): void {
    const count = kept.reduce((sum, { take }) => sum + take, 0)
    if (count !== arrays.length) {
      const expected = kept.flatMap(({ layer, slots }) => slots.map(({ name }) => `${layer.name}: ${name}`)).join(', ')
      const got = arrays.length === 0 ? '' : ` (${arrays.map(({ name }) => name).join(', ')})`
      throw new Fault('bad_file', `${what} should have ${count} arrays (${expected}), but the file has ${arrays.length}${got}`)
    }
    let from = 0
    for (const { layer, slots, take, convert } of kept) {
      this.put(layer, slots, convert(arrays.slice(from, from + take)))
      from += take
    }
  }
}

function check (layer: LayerSpec, slot: Slot, stored: Stored): void {
  const { shape } = slot
  const fits = shape === null || (shape.length === stored.shape.length && shape.every((size, axis) => size === null || size === stored.shape[axis]))
  if (!fits) throw new Fault('bad_file', `layer "${layer.name}" (${layer.className}): "${slot.name}" should have the shape ${shapeText(shape)}, but "${stored.name}" has ${shapeText(stored.shape)}`)
  const said = last(stored.name).replace(/:0$/, '').replace(/_\d+$/, '')
  if (said !== last(slot.name) && slotsOf(layer).some(({ name }) => last(name) === said)) {
    throw new Fault('bad_file', `layer "${layer.name}" (${layer.className}): "${stored.name}" stands where "${slot.name}" is expected`)
  }
}

const last = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

/**
 * What legacy files keep of a layer, in their order: what is trained, then the rest, for a whole nested model at once. A frozen layer has
 * nothing that is trained.
 */
export const legacyOrder = (layer: LayerSpec, origin: Origin): Kept[] => [...trained(layer, origin), ...untrained(layer, origin)]

function trained (layer: LayerSpec, origin: Origin): Kept[] {
  if (!layer.trainable) return []
  return [...own(layer, true, origin), ...innerLayers(layer).flatMap((inner) => trained(inner, origin))]
}

function untrained (layer: LayerSpec, origin: Origin): Kept[] {
  if (layer.trainable) return [...own(layer, false, origin), ...innerLayers(layer).flatMap((inner) => untrained(inner, origin))]
  return [...own(layer, true, origin), ...own(layer, false, origin), ...innerLayers(layer).flatMap((inner) => legacyOrder(inner, origin))]
}

const own = (layer: LayerSpec, trainable: boolean, origin: Origin): Kept[] => asKept(layer, slotsOf(layer).filter((slot) => slot.trainable === trainable), origin)

/** The arrays of one layer of the model, in the order in which Keras saved them. */
export interface Group { readonly name: string, readonly arrays: readonly Stored[] }

/** The weights of a legacy file: a group for each layer of the model, matched in order. */
export function fromGroups (model: ModelSpec, groups: readonly Group[], origin: Origin, weights = new Weights()): Weights {
  const layers = model.layers.filter(hasWeights)
  const filled = groups.map(({ name, arrays }) => ({ name, arrays: arrays.filter((array) => !isState(array.name)) })).filter(({ arrays }) => arrays.length > 0)
  if (layers.length !== filled.length) {
    throw new Fault('bad_file', `the model has ${layers.length} layers with weights (${names(layers)}), but the file has weights for ${filled.length} (${names(filled)})`)
  }
  layers.forEach((layer, n) => weights.fill(legacyOrder(layer, origin), filled[n].arrays, `layer "${layer.name}"`))
  return weights
}

const names = (all: readonly { readonly name: string }[]): string => all.length === 0 ? 'none' : all.map(({ name }) => name).join(', ')

/** What Keras 3 saves of a stateful or a random layer beside its weights. */
const isState = (name: string): boolean => /(^|\/)(rnn_state|seed_generator_state)(_\d+)?$/.test(name)

/**
 * The weights of a converted model: one list, in which the converter has put the layers in the order of the alphabet and TensorFlow.js in
 * that of the model. The names say whose each is: the first part that is a layer. Within a layer they are in order.
 */
export function fromNames (model: ModelSpec, arrays: readonly Stored[], origin: Origin, weights = new Weights()): Weights {
  const owners = new Map<string, LayerSpec>()
  for (const layer of plainLayers(model)) {
    const other = owners.get(layer.name)
    if (other !== undefined && other !== layer) throw new Fault('bad_file', `two layers of the model are named "${layer.name}": the weights do not say which is meant. Rename one and convert the model again`)
    owners.set(layer.name, layer)
  }
  const lists = new Map<LayerSpec, Stored[]>([...owners.values()].map((layer) => [layer, []]))
  for (const stored of arrays) {
    const owner = ownerOf(stored.name, owners)
    if (owner === undefined) throw new Fault('bad_file', `weight "${stored.name}" belongs to no layer of the model`)
    lists.get(owner)!.push(stored)
  }
  for (const [layer, own] of lists) weights.fill(legacyOrder(layer, origin), own, `layer "${layer.name}"`)
  return weights
}

/** The layers with weights that are no models, of the model and of those in it. */
const plainLayers = (model: ModelSpec): LayerSpec[] => model.layers.filter(hasWeights).flatMap((layer) => layer.model === null ? [layer] : plainLayers(layer.model))

function ownerOf (name: string, owners: ReadonlyMap<string, LayerSpec>): LayerSpec | undefined {
  const parts = name.split('/')
  // Layer names may have slashes of their own.
  for (let from = 0; from < parts.length; from++) {
    for (let to = parts.length; to > from; to--) {
      const owner = owners.get(parts.slice(from, to).join('/'))
      if (owner !== undefined) return owner
    }
  }
  return undefined
}
