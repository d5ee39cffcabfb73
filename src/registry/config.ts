import { Fault } from '../errors.ts'
import { refused } from './classes.ts'
import { defaultsOf } from './defaults.ts'
import { isDict, string, type Dict } from './json.ts'
import { inKeras3Words } from './keras1.ts'
import type { Origin } from './spec.ts'

/** Larger sizes than this are in no real layer; refused before anything of that size is made. */
const largest = 1 << 24

/** Keys that count something: whole and positive where they are given. */
const counts = ['units', 'filters', 'input_dim', 'output_dim', 'n', 'num_heads', 'key_dim', 'value_dim', 'head_dim', 'num_query_heads', 'num_key_value_heads', 'depth_multiplier']

/** Keys that hold sizes or places along axes, alone or in lists; words and null stand in them too. */
const sizes = ['kernel_size', 'strides', 'pool_size', 'dilation_rate', 'padding', 'output_padding', 'size', 'cropping', 'target_shape', 'dims', 'input_length', 'batch_shape', 'batch_input_shape', 'axis', 'axes', 'groups']

/**
 * A layer's config with Keras 3's keys, whatever Keras wrote it, and with the defaults of that Keras for what it leaves out. `dtype`
 * becomes the policy's name. What only matters in training (initializers, regularizers, constraints) stays as it is. Throws `bad_file` for
 * sizes that no layer has and `unsupported_layer` for options that make it another layer.
 */
export function normalise (className: string, savedClass: string, config: Dict, origin: Origin, path: string): Record<string, unknown> {
  const named: Record<string, unknown> = { ...(origin.keras === 1 ? inKeras3Words(className, savedClass, config, path) : config) }
  if ('dtype' in named) named.dtype = policyName(named.dtype, path, className)
  if (className === 'LeakyReLU' && 'alpha' in named) named.negative_slope ??= named.alpha
  if (savedClass === 'CuDNNLSTM' || savedClass === 'CuDNNGRU') {
    // They had no choice of activations, and use the recurrent bias.
    Object.assign(named, { activation: 'tanh', recurrent_activation: 'sigmoid', use_bias: true, reset_after: true })
  }
  for (const [key, value] of Object.entries(defaultsOf(className, origin))) {
    if (named[key] === undefined) named[key] = value
  }
  if (named.use_gate === true) throw refused(path, className, 'its gate (use_gate) is not computed')
  for (const key of counts) checkCount(named[key], key, path, className)
  for (const key of neededBy(className)) {
    if ((named[key] ?? null) === null) throw new Fault('bad_file', `layer "${path}" (${className}) has no "${key}"`)
  }
  for (const key of sizes) checkSizes(named[key], key, path, className)
  return named
}

/** Counts without which a layer is none. */
function neededBy (className: string): readonly string[] {
  if (/^(LSTM|GRU|SimpleRNN)(Cell)?$|^Dense$/.test(className)) return ['units']
  if (/^(Separable)?Conv(LSTM)?\dD/.test(className)) return ['filters']
  return className === 'Embedding' ? ['input_dim', 'output_dim'] : []
}

function checkSizes (value: unknown, key: string, path: string, className: string): void {
  if (Array.isArray(value)) for (const one of value) checkSizes(one, key, path, className)
  if (typeof value === 'number' && (!Number.isSafeInteger(value) || Math.abs(value) > largest)) {
    throw new Fault('bad_file', `layer "${path}" (${className}): "${key}" holds ${value}, where whole numbers up to ${largest} are expected`)
  }
}

function checkCount (value: unknown, key: string, path: string, className: string): void {
  if (value === undefined || value === null) return
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > largest) {
    throw new Fault('bad_file', `layer "${path}" (${className}): "${key}" is ${JSON.stringify(value)}, where a whole number from 1 to ${largest} is expected`)
  }
}

/** The name of a dtype policy: a string, or `{ class_name: 'DTypePolicy' | 'Policy', config: { name } }`. */
function policyName (policy: unknown, path: string, className: string): string {
  if (policy === null || policy === undefined) return 'float32'
  const name = string(policy) ?? (isDict(policy) && isDict(policy.config) ? string(policy.config.name) ?? string(policy.config.source_name) : null)
  if (name === null) throw new Fault('bad_file', `layer "${path}" (${className}) has a dtype that is none: ${JSON.stringify(policy)}`)
  if ((isDict(policy) && /Quantized/.test(String(policy.class_name))) || /^(int8|int4|float8|gptq|awq)/.test(name)) {
    throw refused(path, className, `its weights are quantised (${name}): save the model before quantize() is called`)
  }
  return name
}

/** What to say of a model whose layers are not plain float32. */
export function dtypeNotes (dtypes: Iterable<unknown>): string[] {
  const spoken = [...new Set(dtypes)].filter((dtype) => typeof dtype === 'string' && /^(mixed_)?(b?float16|float64)$/.test(dtype))
  return spoken.map((dtype) => `${dtype as string}: computed in float32`)
}
