import { Fault } from '../errors.ts'
import { classOf, models, refused } from './classes.ts'
import { normalise } from './config.ts'
import { readCalls } from './functional.ts'
import { isDict, string, unwrap, type Dict } from './json.ts'
import { mergeClass } from './keras1.ts'
import { sequence } from './sequential.ts'
import type { LayerSpec, ModelSpec, Origin } from './spec.ts'

/** More layers than this are in no real model. */
const most = 8000

/** Reads configs into specs. One for each file: it counts the layers and knows those that are shared. */
export class Topology {
  readonly #origin: Origin
  readonly #shared = new Map<unknown, LayerSpec>()
  #count = 0

  constructor (origin: Origin) {
    this.#origin = origin
  }

  /** The whole model from `{ class_name, config }`. Throws `bad_file` where it is none. */
  model (entry: unknown): ModelSpec {
    if (!isDict(entry)) throw new Fault('bad_file', 'the architecture is not an object with class_name and config')
    const { className } = this.#classOf(entry, 'the model')
    if (!models.has(className)) throw new Fault('bad_file', `the architecture is a single layer (${className}), not a model`)
    return this.#model(className, entry.config, '')
  }

  #model (className: string, config: unknown, path: string): ModelSpec {
    // Keras 1 writes a Sequential as the bare list of its layers.
    const list = Array.isArray(config) ? config : isDict(config) ? config.layers : null
    if (!Array.isArray(list)) throw new Fault('bad_file', `${place(path)} has no list of layers`)
    if (this.#count + list.length > most) throw new Fault('bad_file', `the model has more than ${most} layers`)
    const entries = list.map((entry, n) => {
      if (!isDict(entry)) throw new Fault('bad_file', `layer ${n} of ${place(path)} is not an object`)
      return entry
    })
    const layers = entries.map((entry, n) => this.#layer(entry, path, n))
    const names = new Set<string>()
    for (const { name } of layers) {
      if (names.has(name)) throw new Fault('bad_file', `${place(path)} holds two layers named "${name}"`)
      names.add(name)
    }
    if (className === 'Sequential') return sequence(layers, entries, isDict(config) ? config : {}, place(path))
    return readCalls(layers, entries, config as Dict, this.#origin.keras, place(path))
  }

  #layer (entry: Dict, parent: string, n: number): LayerSpec {
    const config = isDict(entry.config) ? entry.config : {}
    const name = string(entry.name) ?? string(config.name) ?? `layer_${n}`
    if (name === '' || name === '__proto__' || name.length > 1024) throw new Fault('bad_file', `layer ${n} of ${place(parent)} has a name that cannot be used: rename it`)
    return this.#any(entry, name, parent === '' ? name : `${parent}/${name}`)
  }

  /** A layer, a cell or a model, wherever it stands. */
  #any (entry: unknown, name: string, path: string): LayerSpec {
    if (!isDict(entry)) throw new Fault('bad_file', `"${path}" is not an object with class_name and config`)
    if (++this.#count > most) throw new Fault('bad_file', `the model has more than ${most} layers`)
    // Only where the whole file counts its objects together; in legacy configs each nested model counts anew, and every place has its weights.
    const id = 'module' in entry ? entry.shared_object_id : undefined
    const known = id === undefined ? undefined : this.#shared.get(id)
    if (known !== undefined && known.savedClass === entry.class_name && known.name === name) return known
    const { className, savedClass } = this.#classOf(entry, path)
    const spec = models.has(className) ? this.#nested(className, savedClass, entry, name, path) : this.#plain(className, savedClass, entry, name, path)
    if (id !== undefined) this.#shared.set(id, spec)
    return spec
  }

  #classOf (entry: Dict, path: string): { className: string, savedClass: string } {
    if (entry.class_name === 'Merge' && isDict(entry.config)) {
      if (entry.config.layers !== undefined && Array.isArray(entry.config.layers) && entry.config.layers.length > 0) {
        throw refused(path, 'Merge', 'it holds branches of its own: rebuild the model with the functional API and save it again')
      }
      const className = mergeClass(entry.config)
      if (className !== undefined) return { className, savedClass: 'Merge' }
    }
    return classOf(entry, path)
  }

  #nested (className: string, savedClass: string, entry: Dict, name: string, path: string): LayerSpec {
    const model = this.#model(className, entry.config, path)
    const trainable = !isDict(entry.config) || entry.config.trainable !== false
    return { name, className, savedClass, config: { name }, trainable, children: {}, model }
  }

  #plain (className: string, savedClass: string, entry: Dict, name: string, path: string): LayerSpec {
    const given = isDict(entry.config) ? entry.config : {}
    // Operations keep what Keras wraps: a slice or an ellipsis is an argument to them.
    const config = normalise(className, savedClass, unwrap(given) as Dict, this.#origin, path)
    if (config.trainable === undefined) config.trainable = true
    return { name, className, savedClass, config, trainable: config.trainable !== false, children: this.#children(className, given, path), model: null }
  }

  #children (className: string, config: Dict, path: string): Record<string, LayerSpec> {
    const inner = (entry: unknown, role: string): LayerSpec => {
      const { config: own } = isDict(entry) ? entry : { config: null }
      return this.#any(entry, (isDict(own) ? string(own.name) : null) ?? role, `${path}/${role}`)
    }
    switch (className) {
      case 'Bidirectional': {
        const forward = inner(config.layer, 'forward')
        const given = config.backward_layer ?? null
        const backward = given === null ? turned(forward, this.#origin.keras) : inner(given, 'backward')
        checkDirections(forward, backward, path)
        return { forward, backward }
      }
      case 'TimeDistributed': {
        const own = isDict(config.layer) && isDict(config.layer.config) ? string(config.layer.config.name) : null
        return { layer: inner(config.layer, own ?? 'layer') }
      }
      case 'RNN': {
        const cell = inner(Array.isArray(config.cell) ? { class_name: 'StackedRNNCells', config: { cells: config.cell } } : config.cell, 'cell')
        if (!/Cells?$/.test(cell.className)) throw refused(`${path}/cell`, cell.className, 'RNN runs cells: LSTMCell, GRUCell, SimpleRNNCell or StackedRNNCells')
        return { cell }
      }
      case 'StackedRNNCells': {
        if (!Array.isArray(config.cells) || config.cells.length === 0) throw new Fault('bad_file', `"${path}" (StackedRNNCells) has no cells`)
        return Object.fromEntries(config.cells.map((cell, n) => [String(n), inner(cell, String(n))]))
      }
      default:
        return {}
    }
  }
}

const place = (path: string): string => path === '' ? 'the model' : `"${path}"`

/** The backward layer that Keras makes from the forward one; a cell in it is another cell, with weights of its own. */
function turned (forward: LayerSpec, keras: 1 | 2 | 3): LayerSpec {
  const goBackwards = keras === 3 ? true : forward.config.go_backwards !== true
  return { ...forward, name: forward.name.replace(/^(forward_)?/, 'backward_'), config: { ...forward.config, go_backwards: goBackwards }, children: again(forward.children) }
}

/** Weights are found by the spec, so what has its own needs a spec of its own. */
function again (children: LayerSpec['children']): LayerSpec['children'] {
  return Object.fromEntries(Object.entries(children).map(([role, child]) => [role, { ...child, children: again(child.children) }]))
}

/** Keras itself holds the two layers to this. */
function checkDirections (forward: LayerSpec, backward: LayerSpec, path: string): void {
  const equal = (key: string): boolean => (forward.config[key] ?? false) === (backward.config[key] ?? false)
  if (equal('go_backwards')) throw new Fault('bad_file', `layer "${path}" (Bidirectional): both its layers read in the same direction`)
  for (const key of ['return_sequences', 'return_state']) {
    if (!equal(key)) throw new Fault('bad_file', `layer "${path}" (Bidirectional): ${key} differs between its layers`)
  }
}
