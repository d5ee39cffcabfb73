import { Fault } from '../../errors.ts'
import type { App, ServiceSource } from '../service.ts'
import { documented, ModelParams } from './schemas.ts'

/** The repository of the protocol: which models there are, and, for administration, load and unload. Bodies are of any content type, and few have one. */
export function repositoryRoutes (app: App, service: ServiceSource): void {
  app.post('/v2/repository/index', { schema: documented('v2Index', 'Every version of every model, those that are not served with the reason') }, async ({ body }) => {
    const { ready: onlyReady = false } = read(body, 'expected no body, or {"ready": true} for the models that can be asked')
    if (typeof onlyReady !== 'boolean') throw new Fault('malformed', 'expected no body, or {"ready": true} for the models that can be asked')
    return service().registry.list().filter(({ status }) => !onlyReady || status === 'ready' || status === 'idle')
      .map(({ id, version, status, reason }) => ({ name: id, version: String(version), state: states[status], reason: reason ?? '' }))
  })

  for (const action of ['load', 'unload'] as const) {
    const words = action === 'load' ? 'Load all versions of a model that do not serve, and those that are new in MODELS_DIR' : 'Take all versions of a model off the engines; they stay on the disk'
    app.post(`/v2/repository/models/:id/${action}`, {
      config: { scope: 'admin' },
      schema: documented(action === 'load' ? 'v2Load' : 'v2Unload', words, ModelParams)
    }, async ({ params, body }) => {
      const { parameters = {} } = read(body, `expected no body, or a JSON object with "parameters", to ${action} a model`)
      const odd = Object.keys(parameters ?? {}).find((name) => name !== 'unload_dependents')
      if (odd !== undefined) throw new Fault('invalid_value', `"${odd.slice(0, 80)}" is no parameter here: a model is loaded as its files are. Upload it with PUT /models/ID/versions/VERSION`)
      await service().lifecycle[action === 'load' ? 'loadAll' : 'unloadAll']((params as { id: string }).id)
      return {}
    })
  }
}

const states = { ready: 'READY', loading: 'LOADING', refused: 'UNAVAILABLE', unsound: 'UNAVAILABLE', unloaded: 'UNAVAILABLE', idle: 'READY' } as const

/** A body that may be left out. Throws Fault malformed, saying what was expected, where it is no JSON object. */
function read (body: unknown, expected: string): Record<string, unknown> {
  if (!(body instanceof Uint8Array) || body.length === 0) return {}
  try {
    const read: unknown = JSON.parse(Buffer.from(body).toString())
    if (typeof read === 'object' && read !== null && !Array.isArray(read)) return read as Record<string, unknown>
  } catch {}
  throw new Fault('malformed', expected)
}
