import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { envSchema } from 'env-schema'
import type { XStatic } from 'typebox/schema'
import { usualLimits, type Limits } from './registry/read.ts'

/**
 * Every setting: an environment variable, and a flag of the same name (`MODELS_DIR`, `--models-dir`). A flag wins. Written down, not built by typebox as the schemas of
 * routes are: the engine's thread starts once the settings are known, and typebox takes 0.2 s to import.
 */
const properties = {
  HOST: { type: 'string', default: '127.0.0.1', description: 'address to listen on; 0.0.0.0 for every one' },
  PORT: { type: 'integer', default: 8080, minimum: 0, maximum: 65535, description: 'port to listen on; 0 for any free one' },
  MODELS_DIR: { type: 'string', default: './models', description: 'folder of models' },
  LOG_LEVEL: { enum: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], default: 'info', description: 'how much is logged' },
  ENGINE: { enum: ['auto', 'native', 'onnx', 'tfjs', 'wasm'], default: 'auto', description: 'auto: compiled plans (native, else onnx), checked against tfjs (native TensorFlow) or, without it, wasm' },
  WORKERS: { type: 'integer', default: Math.min(8, availableParallelism()), minimum: 1, maximum: 64, description: 'threads that compute; unset: one a core, 8 at most' },
  QUEUE_LIMIT: { type: 'integer', default: 100, minimum: 1, maximum: 100_000, description: 'requests that may wait; one more answers 429' },
  QUEUE_LIMIT_MB: { type: 'number', default: 256, exclusiveMinimum: 0, maximum: 100_000, description: 'MiB of inputs that may wait; one request more answers 429' },
  RESPONSE_LIMIT_MB: { type: 'number', default: 512, exclusiveMinimum: 0, maximum: 2000, description: 'largest answer, in MiB; a larger one is refused before it is computed' },
  REQUEST_TIMEOUT_S: { type: 'number', default: 120, minimum: 0.1, maximum: 86_400, description: 'seconds in which a request, or each line of a stream, is answered, or else with 504; X-Request-Timeout asks for fewer' },
  SLOW_CLIENT_S: { type: 'number', default: 30, minimum: 1, maximum: 3600, description: 'seconds without a byte after which a client that sends or reads too slowly is cut' },
  SUPERVISE: { type: 'boolean', default: false, description: 'run the service in a second process, and start it again when that ends by itself' },
  API_TOKEN: { type: 'string', description: 'bearer tokens, with commas between; all but /health/* asks for one' },
  API_TOKEN_FILE: { type: 'string', description: 'file of such tokens, one a line; read again when it changes' },
  ADMIN_TOKEN: { type: 'string', description: 'bearer tokens of administration, which may ask everything else too; unset: it is off' },
  ADMIN_TOKEN_FILE: { type: 'string', description: 'file of those' },
  CORS_ORIGIN: { type: 'string', description: 'origin whose pages may call the service, or *; unset: none' },
  RATE_LIMIT: { type: 'integer', minimum: 1, maximum: 1_000_000_000, description: 'requests that each token, or each address without one, may send in a window; unset: any number' },
  RATE_WINDOW_S: { type: 'number', default: 60, minimum: 1, maximum: 86_400, description: 'seconds of that window' },
  TRUST_PROXY: { type: 'string', description: 'addresses or subnets of proxies, with commas between, whose X-Forwarded-For names the caller; unset: none' },
  BODY_LIMIT_MB: { type: 'number', default: 64, exclusiveMinimum: 0, maximum: 500, description: 'largest request body, in MiB' },
  IMPORT_TIMEOUT_S: { type: 'number', default: usualLimits.seconds, exclusiveMinimum: 0, maximum: 3600, description: 'seconds that reading a model file may take, and one more for each 10 MB' },
  IMPORT_MEMORY_MB: { type: 'integer', default: usualLimits.memory, minimum: 256, maximum: 1_000_000, description: 'MiB of memory that reading a model file may take' },
  WATCH_MODELS: { type: 'boolean', default: false, description: 'look at the files of MODELS_DIR every second, and serve those that are new or have changed' },
  MODELS_MEMORY_MB: { type: 'number', exclusiveMinimum: 0, maximum: 10_000_000, description: 'MiB that the weights of all models may take, each once a thread and once more; those not asked for longest make room; unset: any' },
  UPLOAD_LIMIT_MB: { type: 'number', default: 512, exclusiveMinimum: 0, maximum: 2047, description: 'largest model that may be uploaded, in MiB' },
  ALLOW_NON_FINITE: { type: 'boolean', default: usualLimits.nonFinite, description: 'serve models whose weights hold NaN or infinity' }
} as const

const schema = { type: 'object', properties }

type Properties = typeof properties
type Preset = { [Name in keyof Properties]: Properties[Name] extends { default: unknown } ? Name : never }[keyof Properties]

/** The settings by their own names. */
export type Settings = { [Name in Preset]: XStatic<Properties[Name]> } & { [Name in Exclude<keyof Properties, Preset>]?: XStatic<Properties[Name]> }

/** What reading a model file may take. */
export const importLimits = ({ IMPORT_TIMEOUT_S: seconds, IMPORT_MEMORY_MB: memory, ALLOW_NON_FINITE: nonFinite }: Settings): Limits => ({ seconds, memory, nonFinite })

/** What a command line asks for: to serve the models of `folder` (null: of none) and the model files named. */
export type Command = Serve | { readonly run: 'help' } | { readonly run: 'openapi' }
export interface Serve { readonly run: 'serve', readonly settings: Settings, readonly folder: string | null, readonly files: readonly string[] }

/** What whoever starts the service has to change. The message is for the reader as it is. */
export class SettingsError extends Error {}

/** The settings where nothing is set. */
export const defaults = (): Settings => check({})

const names = Object.keys(properties) as (keyof Settings)[]
const flagOf = (name: string): string => name.toLowerCase().replaceAll('_', '-')
const flags = [...names.map(flagOf), 'help', 'openapi']

/**
 * The command line and the environment, read together.
 * @throws SettingsError naming the flag or the setting, and what it may be
 */
export function readCommand (args: readonly string[], env: Readonly<Record<string, string | undefined>>): Command {
  const { values, positionals } = readFlags(args)
  if (values.help === true) return { run: 'help' }
  if (values.openapi === true) return { run: 'openapi' }
  const given: Record<string, string> = {}
  for (const name of names) {
    const value = values[flagOf(name)] ?? env[name]
    // Compose files and CI hand an unset variable on as an empty one.
    if (typeof value === 'string' && value !== '') given[name] = value
  }
  const settings = check(given)
  // Whoever names files wants those; the folder comes along only when it was named too.
  const folder = positionals.length > 0 && given.MODELS_DIR === undefined ? null : settings.MODELS_DIR
  return { run: 'serve', settings, folder, files: positionals }
}

function readFlags (args: readonly string[]): { values: Record<string, string | boolean | undefined>, positionals: string[] } {
  const options: Record<string, { type: 'string' | 'boolean', short?: string }> = { help: { type: 'boolean', short: 'h' }, openapi: { type: 'boolean' } }
  for (const name of names) options[flagOf(name)] = { type: 'string' }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw new SettingsError(message)
    const flag = /'(.*?)'/.exec(message)?.[1] ?? message
    throw new SettingsError(`There is no flag ${flag}. The flags are ${flags.map((name) => `--${name}`).join(', ')}.`)
  }
}

function check (given: Record<string, string>): Settings {
  try {
    const settings = envSchema<Settings>({ schema, env: false, data: given })
    const odd = settings.TRUST_PROXY?.split(',').map((subnet) => subnet.trim()).find((subnet) => !isSubnet(subnet))
    if (odd !== undefined) throw new SettingsError(`TRUST_PROXY must be IP addresses or subnets (10.0.0.0/8, loopback), not "${odd}".`)
    return settings
  } catch (error) {
    const [first] = (error as { errors?: { instancePath: string }[] }).errors ?? []
    const name = first?.instancePath.slice(1) as keyof Settings | undefined
    if (name === undefined || !(name in properties)) throw error
    throw new SettingsError(`${name} must be ${allowed(properties[name])}, not "${given[name]}".`)
  }
}

/** As Fastify takes them; it would fail on others with words for programmers. */
function isSubnet (text: string): boolean {
  const [address, bits, ...rest] = text.split('/')
  const most = isIP(address) === 6 ? 128 : 32
  return ['loopback', 'linklocal', 'uniquelocal'].includes(text) || (isIP(address) > 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= most)))
}

interface Property { description?: string, default?: unknown, type?: string, enum?: readonly string[], minimum?: number, exclusiveMinimum?: number, maximum?: number }

function allowed ({ type, enum: values, minimum, exclusiveMinimum, maximum }: Property): string {
  if (type === 'boolean') return 'true or false'
  if (values !== undefined) return `one of ${values.join(', ')}`
  const from = minimum === undefined ? `above ${exclusiveMinimum}` : `from ${minimum}`
  return `a ${type === 'integer' ? 'whole ' : ''}number ${from} to ${maximum}`
}

/** What `--help` prints. */
export function help (): string {
  const width = Math.max(...names.map((name) => name.length))
  const lines = names.map((name) => {
    const { description, default: preset } = properties[name] as Property
    return `  --${flagOf(name).padEnd(width)} ${name.padEnd(width)} ${description}${preset === undefined ? '' : ` (${preset})`}`
  })
  return `statescope [settings] [model files]

Serves every model below MODELS_DIR, or the model files named: .keras, .h5 or a converted model.json.
Each setting is a flag or an environment variable; the flag wins.

${lines.join('\n')}
  --${'openapi'.padEnd(2 * width + 1)} print the OpenAPI document
  --${'help'.padEnd(2 * width + 1)} print this
`
}
