import { Fault } from '../errors.ts'
import { isDict, type Dict } from './json.ts'
import type { Origin } from './spec.ts'

/** Words that Keras 1 alone uses in the configs of layers. */
const words1 = ['inner_activation', 'nb_filter', 'border_mode', 'consume_less', 'init', 'inner_init', 'dim_ordering']
/** And Keras 2 and 3, not 1. */
const words2 = ['units', 'kernel_initializer', 'recurrent_activation', 'filters', 'padding', 'embeddings_initializer', 'axis']

/**
 * Which Keras wrote an architecture: what the file says, else what its words show. Throws `bad_file` for a Keras that is not known.
 * `versions` in the order in which they are believed; some files name none.
 */
export function originOf (architecture: unknown, versions: readonly (string | null)[]): Origin {
  const said = versions.find((version) => version !== null && version !== undefined) ?? null
  if (said === null) return { keras: fromWords(architecture), version: null }
  if (said.startsWith('tfjs')) return { keras: 2, version: said }
  const major = Number(said.split('.')[0])
  if (major === 1 || major === 2 || major === 3) return { keras: major, version: said }
  throw new Fault('bad_file', `the file says it was written by Keras ${JSON.stringify(said)}: files of Keras 1, 2 and 3 can be read`)
}

function fromWords (architecture: unknown): 1 | 2 | 3 {
  const configs = [...layerConfigs(architecture)]
  const says = (words: readonly string[]): boolean => configs.some(({ config }) => words.some((word) => word in config))
  if (configs.some(({ config }) => 'batch_shape' in config || (isDict(config.dtype) && config.dtype.class_name === 'DTypePolicy'))) return 3
  if (says(words2)) return 2
  return says(words1) ? 1 : 2
}

function * layerConfigs (entry: unknown): Generator<{ config: Dict }> {
  if (!isDict(entry)) return
  const { config } = entry
  if (isDict(config)) yield { config }
  const layers = Array.isArray(config) ? config : isDict(config) && Array.isArray(config.layers) ? config.layers : []
  for (const layer of layers) yield * layerConfigs(layer)
}
