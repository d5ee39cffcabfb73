import { Fault } from '../../errors.ts'
import { isDict, parseJson, string } from '../json.ts'
import { Hdf5, type Reading } from './hdf5.ts'
import { filedWeights, type Filed } from './h5.ts'
import { unzip } from './zip.ts'

/** What every format's reader gives: the architecture, who wrote it, and its weights, to be used while the file is open. */
export interface Opened { readonly architecture: unknown, readonly version: string | null, readonly weights: Filed }

const weightsName = 'model.weights.h5'

/** A `.keras` file: a zip archive of config.json, metadata.json and the weights. Throws `bad_file`. */
export async function openKeras<R> (bytes: Buffer, reading: Reading, use: (opened: Opened) => R): Promise<R> {
  const files = await unzip(bytes, ['config.json', 'metadata.json', weightsName, 'model.weights.npz', 'model.weights.json'])
  const config = files.get('config.json')
  if (config === undefined) throw new Fault('bad_file', 'the archive holds no config.json: it is no .keras file')
  const weights = files.get(weightsName)
  if (weights === undefined) {
    const other = ['model.weights.npz', 'model.weights.json'].find((name) => files.has(name))
    throw new Fault('bad_file', other === undefined
      ? `the archive holds no ${weightsName}: the model was saved without weights`
      : `the archive holds its weights as ${other}, not as ${weightsName}: save it again with model.save('model.keras')`)
  }
  const metadata = files.get('metadata.json')
  const about = metadata === undefined ? {} : parseJson(metadata.toString('utf8'), 'metadata.json')
  const architecture = parseJson(config.toString('utf8'), 'config.json')
  const version = isDict(about) ? string(about.keras_version) : null
  return await Hdf5.use(weights, weightsName, reading, (file) => use({ architecture, version, weights: filedWeights(file, '') }))
}
