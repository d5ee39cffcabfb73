import { Fault } from '../errors.ts'
import type { Stored } from './arrays.ts'
import type { LayerSpec, ModelSpec, Origin } from './spec.ts'
import { asKept } from './kept.ts'
import { hasWeights, slotsOf } from './weight-table.ts'
import { Weights } from './weights.ts'

/** A group of a `.keras` file's weights: its own arrays (`vars/0`, `vars/1`, ...) and the groups in it. */
export interface Tree {
  readonly name: string
  readonly arrays: readonly Stored[]
  readonly groups: ReadonlyMap<string, Tree>
}

/** Where the layers of a model are filed: `layers`, in Keras 2.12 to 2.14 `_layer_checkpoint_dependencies`. */
const roots = ['layers', '_layer_checkpoint_dependencies']

/** Kept beside the weights, but no weights: seeds, and what metrics and optimizers remember. */
const beside = new Set(['seed_generator', 'random_generator', '_random_generator', 'optimizer', 'metrics'])

/** The parts of a layer that is made of layers. */
const parts: Readonly<Record<string, readonly string[]>> = {
  forward: ['forward_layer'],
  backward: ['backward_layer'],
  layer: ['layer'],
  cell: ['cell'],
  query: ['query_dense', '_query_dense'],
  key: ['key_dense', '_key_dense'],
  value: ['value_dense', '_value_dense'],
  attention_output: ['output_dense', '_output_dense']
}

/**
 * The weights of the `.keras` layout. Layers are filed under their class with a number that counts up; which numbers differs from Keras to
 * Keras, so the layers of a class are matched in order, and the shapes must fit.
 */
export function fromTree (model: ModelSpec, tree: Tree, origin: Origin, weights = new Weights()): Weights {
  const matched = new Set<LayerSpec>()
  inModel(model, tree, 'the model')
  return weights

  function inModel (inner: ModelSpec, group: Tree, what: string): void {
    const root = roots.map((name) => group.groups.get(name)).find((found) => found !== undefined && isFilled(found))
    const layers = inner.layers.filter((layer) => hasWeights(layer) && !matched.has(layer))
    for (const layer of layers) matched.add(layer)
    if (root === undefined) {
      if (layers.length === 0) return
      throw new Fault('bad_file', `the file has no weights for ${what}, whose layers ${layers.map(({ name }) => name).join(', ')} have some`)
    }
    inOrder(layers, root, what)
  }

  /** Layers of one class after the other in a container. */
  function inOrder (layers: readonly LayerSpec[], container: Tree, what: string): void {
    const classes = new Map<string, LayerSpec[]>()
    for (const layer of layers) {
      // Keras 3 writes some classes by another name than their own (GroupQueryAttention), but files them under their own.
      const bases = [...snakeCases(layer.savedClass), ...snakeCases(layer.className)]
      const base = bases.find((name) => filled(container, name).length > 0) ?? bases[0]
      classes.set(base, [...classes.get(base) ?? [], layer])
    }
    for (const [base, members] of classes) {
      const groups = filled(container, base)
      if (groups.length !== members.length) {
        throw new Fault('bad_file', `${what} has ${members.length} layers of the class ${members[0].savedClass} (${members.map(({ name }) => name).join(', ')}), but the file has weights of ${groups.length}`)
      }
      members.forEach((layer, n) => inLayer(layer, groups[n]))
    }
    const strange = [...container.groups.values()].filter(isFilled).find(({ name }) => ![...classes.keys()].some((base) => belongs(last(name), base)))
    if (strange !== undefined) throw new Fault('bad_file', `the file has weights "${strange.name}" that belong to no layer of ${what}`)
  }

  function inLayer (layer: LayerSpec, group: Tree): void {
    if (layer.model !== null) return inModel(layer.model, group, `the nested model "${layer.name}"`)
    const slots = slotsOf(layer)
    for (const part of new Set(slots.map((slot) => slot.part))) {
      const own = slots.filter((slot) => slot.part === part)
      weights.fill(asKept(layer, own, origin), partOf(group, part, layer).arrays, `layer "${layer.name}" (${layer.className})`)
    }
    if (layer.className === 'StackedRNNCells') return inOrder(Object.values(layer.children), partOf(group, 'cells', layer), `layer "${layer.name}"`)
    for (const [role, child] of Object.entries(layer.children)) {
      if (hasWeights(child)) inLayer(child, partOf(group, role, layer))
    }
  }
}

function partOf (group: Tree, role: string, layer: LayerSpec): Tree {
  if (role === '') return group
  const found = (parts[role] ?? [role]).map((name) => group.groups.get(name)).find((part) => part !== undefined)
  if (found === undefined) throw new Fault('bad_file', `the file has no weights of the part "${role}" of layer "${layer.name}" (${layer.className})`)
  return found
}

const last = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

/** The groups `lstm`, `lstm_1`, `lstm_2`, ... of a container that hold weights, by number. */
function filled (container: Tree, base: string): Tree[] {
  const number = (name: string): number => name === base ? 0 : Number(name.slice(base.length + 1))
  return [...container.groups].filter(([name, group]) => belongs(name, base) && isFilled(group)).sort(([a], [b]) => number(a) - number(b)).map(([, group]) => group)
}

const belongs = (name: string, base: string): boolean => name === base || (name.startsWith(`${base}_`) && /^\d+$/.test(name.slice(base.length + 1)))

const isFilled = (group: Tree): boolean => group.arrays.length > 0 || [...group.groups].some(([name, inner]) => !beside.has(name) && isFilled(inner))

/** A class name in Keras' snake case: as Keras 3 writes it, and as Keras 2 does where digits follow a capital (`conv_lst_m2d`). */
function snakeCases (className: string): readonly string[] {
  const turned = (word: RegExp): string => className.replace(word, '$1_$2').replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase()
  return [turned(/(.)([A-Z][a-z]+)/g), turned(/(.)([A-Z][a-z0-9]+)/g)]
}
