import { Fault } from '../errors.ts'
import type { Ops } from './ops.ts'
import { activations, type Activation, type Entry, type Keras, type Settings } from './activation-table.ts'

/**
 * The activation that a config names, as a function of one tensor. `name` is what files hold: nothing (linear), a name, a registered
 * name (`keras.activations>gelu`), or an object `{ class_name, config }` for a function or for a layer used as an activation.
 * Throws Fault `unsupported_layer` where that Keras has no such activation. Looked up in a fixed table; nothing is resolved from a name.
 */
export function activation<T> (ops: Ops<T>, name: unknown, keras: Keras): (x: T) => T {
  const { apply } = find(name, keras)
  const whole = (x: T): T => apply(ops, x)
  return ops.named === undefined ? whole : (x) => ops.named!(read(name).name, x, whole)
}

/** What stands in an equation for the activation, with `x` for its operand: `max(0, min(1, 0.2 * x + 0.5))`. Throws as `activation` does. */
export const equation = (name: unknown, keras: Keras): string => find(name, keras).equation

/** Every name that a file of this Keras may give, in the order of the alphabet. */
export function activationNames (keras: Keras): string[] {
  return [...activations.keys()].filter((name) => entryOf(name, keras) !== undefined).sort()
}

const entryOf = (name: string, keras: Keras): Entry | undefined => activations.get(name)?.find((entry) => entry.keras.includes(keras))

function find (given: unknown, keras: Keras): Activation {
  const { name, config } = read(given)
  const entry = entryOf(name, keras)
  if (entry === undefined) {
    throw new Fault('unsupported_layer',
      `Keras ${keras} has no activation ${shown(name)} of its own. Save the model with one of these: ${activationNames(keras).join(', ')}.`)
  }
  return entry.make(settings(name, config))
}

/** A name as it is, or the beginning of what stands in its place (a Python lambda is its bytecode). */
const shown = (name: string): string => JSON.stringify(name.length > 60 ? `${name.slice(0, 40)}...` : name)

function settings (name: string, config: Readonly<Record<string, unknown>>): Settings {
  return {
    number: (keys, otherwise) => {
      const key = keys.find((each) => config[each] !== undefined && config[each] !== null)
      if (key === undefined) return otherwise
      const value = config[key]
      if (typeof value !== 'number') throw new Fault('unsupported_layer', `The activation ${name} has ${key} ${JSON.stringify(value)}; a number is needed.`)
      return value
    }
  }
}

/** The name in a config, without its package, and the settings beside it. */
function read (given: unknown): { name: string, config: Readonly<Record<string, unknown>> } {
  if (given === null || given === undefined) return { name: 'linear', config: {} }
  if (typeof given === 'string') return { name: bare(given), config: {} }
  if (typeof given !== 'object') return { name: String(given), config: {} }
  const { class_name: className, config, module, registered_name: registered } = given as Record<string, unknown>
  if (typeof config === 'string') {
    // A function: Keras itself goes by the registered name unless the module is 'builtins'.
    return { name: bare(typeof registered === 'string' && module !== 'builtins' ? registered : config), config: {} }
  }
  if (typeof className !== 'string') return { name: JSON.stringify(given), config: {} }
  // A class of this name from elsewhere is not Keras' class.
  if (typeof registered === 'string' && bare(registered) !== bare(className)) return { name: registered, config: {} }
  if (typeof module === 'string' && !/^(tf\.)?keras(\.|$)/.test(module)) return { name: `${module}.${className}`, config: {} }
  const own = typeof config === 'object' && config !== null ? config as Record<string, unknown> : {}
  return bare(className) === 'Activation' ? read(own.activation) : { name: bare(className), config: own }
}

/** `keras.activations>gelu` is gelu, but `Custom>gelu` is somebody's own: only Keras' packages are taken off. */
const bare = (name: string): string => name.replace(/^(tf\.)?keras(\.\w+)*[.>]/, '')
