import { stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { importLimits, SettingsError, type Serve, type Settings } from './config.ts'
import { Fault } from './errors.ts'
import type { Metrics } from './http/metrics.ts'
import type { App, Service } from './http/service.ts'
import { Lifecycle } from './lifecycle/lifecycle.ts'
import { Memory } from './lifecycle/memory.ts'
import { storedDigest } from './lifecycle/stored.ts'
import { Watch } from './lifecycle/watch.ts'
import { startPool } from './pool/pool.ts'
import type { Pool } from './pool/protocol.ts'
import { Registry } from './registry/registry.ts'
import { Store } from './store/store.ts'
import { loadCheck } from './load-check.ts'

/** Seconds that a thread has beyond the longest deadline, before it is given up. */
const grace = 1

/** A service that listens, and still starts its engine and loads its models. */
export interface Starting {
  readonly log: App['log']
  /** All of that is done. */
  readonly ready: Promise<Server>
  /** The same as that of Server, at any time. Gives false where the process cannot end by itself afterwards. */
  readonly close: () => Promise<boolean>
}

/** A running service. */
export interface Server {
  /** `http://127.0.0.1:8080` */
  readonly url: string
  readonly service: Service
  readonly log: App['log']
  /** Says that it is not ready any more, answers what is under way, stops the threads. */
  readonly close: () => Promise<void>
}

/**
 * Listens at once, so that `/health/live` answers while the engine starts and the models are loaded, and gives the service when all of that is done.
 * @throws SettingsError where the port is taken, the models are not there or the engine asked for cannot be had
 */
export const startServer = async (serve: Serve): Promise<Server> => await (await beginServer(serve)).ready

/**
 * The same, to be closed while it starts too.
 * @throws SettingsError where the port is taken or the models are not there
 */
export async function beginServer ({ settings, folder, files }: Serve): Promise<Starting> {
  await checkPlaces(folder, files)
  let service: Service | null = null
  let closing = false
  let told: { readonly log: App['log'], readonly metrics: Metrics } | null = null
  // The engine, with a thread of its own, and the models, in a process of their own, take about as long as all that HTTP needs takes to be imported.
  const pool = startPool({
    engine: settings.ENGINE,
    workers: settings.WORKERS,
    queue: { requests: settings.QUEUE_LIMIT, bytes: settings.QUEUE_LIMIT_MB * 2 ** 20 },
    longest: (settings.REQUEST_TIMEOUT_S + grace) * 1000,
    onDeath: (reason) => {
      told?.metrics.died()
      told?.log.error(`a worker stopped and is replaced: ${reason}`)
    },
    onRun: (ran) => told?.metrics.ran(ran)
  })
  // Heard below, when there is somebody to tell; it may come sooner.
  pool.catch(() => {})
  // A process that ends while an engine starts in it ends with a signal.
  const closePool = async (): Promise<Pool | null> => await pool.then(async (started) => {
    await started.close()
    return started
  }, () => null)

  const limits = importLimits(settings)
  const memory = new Memory((settings.MODELS_MEMORY_MB ?? Infinity) * 2 ** 20, settings.WORKERS)
  const store = folder === null ? null : new Store(folder)
  const watch = settings.WATCH_MODELS && folder !== null ? new Watch(folder) : null
  const read = async (): Promise<Registry> => {
    await watch?.begin()
    return await Registry.open(folder, files, limits, storedDigest, ({ key, file }) => memory.fits(key, file))
  }
  const reading = read()
  reading.catch(() => {})

  const listening = async (): Promise<{ app: App, url: string }> => {
    const [{ buildApp }, { Metrics }] = await Promise.all([import('./app.ts'), import('./http/metrics.ts')])
    const metrics = new Metrics()
    const app = await buildApp(settings, () => {
      if (service === null) throw new Fault('not_ready', 'the engine is being started: try again in a moment')
      return service
    }, { metrics })
    told = { log: app.log, metrics }
    return { app, url: await listen(app, settings) }
  }
  const { app, url } = await listening().catch(async (error: Error) => {
    watch?.stop()
    await closePool()
    throw error
  })

  const start = async (): Promise<Server> => {
    // Not before the port is this process' own: another that serves it may be storing something. A folder that cannot be written to is served all the same.
    await store?.clear().catch((error: Error) => app.log.error(`what earlier uploads left behind was not removed: ${error.message}`))
    const [registry, own] = await Promise.all([reading, pool.catch(async (error: Error) => {
      await app.close()
      throw new SettingsError(`the engine does not start: ${error.message}`)
    })])
    const lifecycle = new Lifecycle({ registry, pool: own, store, limits, memory, longest: settings.REQUEST_TIMEOUT_S * 1000, check: loadCheck, log: app.log })
    await lifecycle.labels.open().catch((error: Error) => app.log.error(error.message))
    const running = service = { registry, pool: own, lifecycle }
    await registry.load(async (entry) => {
      if (closing) throw new Fault('not_ready', 'the service is stopping')
      return await own.load(entry.key, entry.file, loadCheck(entry))
    }, ({ key, status, reason }) => {
      if (status !== 'ready') memory.drop(key)
      app.log.info({ model: key, status, reason }, 'model')
    })
    // It is ready with the first thread; the others would take the cores from it.
    own.whole().catch((error: Error) => app.log.error(error.message))
    if (!closing && watch !== null) lifecycle.follow(watch)
    return { url, service: running, log: app.log, close: async () => { await close() } }
  }
  const close = async (): Promise<boolean> => {
    closing = true
    watch?.stop()
    await app.close()
    return ((await closePool())?.state().lost ?? 0) === 0
  }
  return { log: app.log, ready: start(), close }
}

async function checkPlaces (folder: string | null, files: readonly string[]): Promise<void> {
  if (folder !== null && !await stat(folder).then((found) => found.isDirectory(), () => false)) {
    throw new SettingsError(`there is no folder ${folder}: set MODELS_DIR (or --models-dir) to the folder of your models, or name a model file`)
  }
  for (const file of files) {
    if (!await stat(file).then(() => true, () => false)) throw new SettingsError(`there is no file ${file}`)
  }
}

async function listen (app: App, { HOST, PORT }: Settings): Promise<string> {
  try {
    await app.listen({ host: HOST, port: PORT })
  } catch (error) {
    await app.close()
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') throw new SettingsError(`port ${PORT} of ${HOST} is taken: choose another with PORT or --port, or 0 for any free one`)
    throw new SettingsError(`cannot listen on ${HOST}, port ${PORT}: ${message}`)
  }
  const { port } = app.server.address() as AddressInfo
  // An address that stands for all is none to call.
  const host = HOST === '0.0.0.0' ? '127.0.0.1' : HOST === '::' ? '::1' : HOST
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
