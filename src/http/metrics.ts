import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { Type } from 'typebox'
import type { FaultCode } from '../errors.ts'
import type { Ran } from '../pool/protocol.ts'
import { idPattern } from '../registry/folders.ts'
import { about } from './about.ts'
import { answers } from './answers.ts'
import { running, type App, type Service, type ServiceSource } from './service.ts'

/** Models that are told apart; what others count is counted as `other`, so that no client and no number of models makes the answer grow without end. */
const most = 200

/** From a millisecond to a minute. */
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** One request, when it is over. */
export interface Served {
  /** As it is registered, `/models/:id/predict`; undefined where there is none. */
  readonly route: string | undefined
  readonly method: string
  readonly status: number
  readonly seconds: number
  /** The model that it named, in the address or in the body, whether there is such a model or not. */
  readonly model: string | undefined
  readonly code: FaultCode | undefined
}

/** Of the process: once, however many services there are in it, and from the first time that somebody asks. */
const ofProcess = new Registry()
let collecting = false

/** What the service counts and measures, for Prometheus. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #models = new Set<string>()
  readonly #of = { registers: [this.#registry] }
  readonly #requests = new Counter({ name: 'statescope_http_requests_total', help: 'Requests answered, by route, method and status (499: the client went away before).', labelNames: ['route', 'method', 'status'], ...this.#of })
  readonly #duration = new Histogram({ name: 'statescope_http_request_duration_seconds', help: 'From the first byte of a request to the last of its answer.', labelNames: ['route', 'method'], buckets: seconds, ...this.#of })
  #now = 0
  readonly #underWay = new Gauge({ name: 'statescope_http_requests_under_way', help: 'Requests not yet answered.', ...this.#of })
  readonly #problems = new Counter({ name: 'statescope_problems_total', help: 'Problems answered, by their code: queue_full and rate_limited are refusals.', labelNames: ['code'], ...this.#of })
  readonly #ofModels = new Counter({ name: 'statescope_model_requests_total', help: `Requests that name a model, by model and status; other: there is no such model, or it is not among the first ${most}.`, labelNames: ['model', 'status'], ...this.#of })
  readonly #queued = new Histogram({ name: 'statescope_queue_seconds', help: 'From the queue to a thread.', labelNames: ['model'], buckets: seconds, ...this.#of })
  readonly #ran = new Histogram({ name: 'statescope_compute_seconds', help: 'From there to the encoded answer.', labelNames: ['model'], buckets: seconds, ...this.#of })
  readonly #together = new Histogram({ name: 'statescope_requests_together', help: 'How many requests ran as one batch, counted for each of them.', buckets: [1, 2, 4, 8, 16, 32], ...this.#of })
  readonly #deaths = new Counter({ name: 'statescope_worker_deaths_total', help: 'Threads that stopped without being asked to; each is replaced.', ...this.#of })
  readonly #waiting = new Gauge({ name: 'statescope_queue_requests', help: 'Requests that wait for a thread.', ...this.#of })
  readonly #bytes = new Gauge({ name: 'statescope_queue_bytes', help: 'Bytes of inputs that wait.', ...this.#of })
  readonly #workers = new Gauge({ name: 'statescope_workers', help: 'Threads, by state: all, alive (their engine has started), busy.', labelNames: ['state'], ...this.#of })
  readonly #tensors = new Gauge({ name: 'statescope_tensors', help: 'Tensors alive in the reference engines of all threads.', ...this.#of })
  readonly #tensorBytes = new Gauge({ name: 'statescope_tensor_bytes', help: 'Bytes of those tensors.', ...this.#of })
  readonly #statuses = new Gauge({ name: 'statescope_models', help: 'Versions of models, by status.', labelNames: ['status'], ...this.#of })
  readonly #ready = new Gauge({ name: 'statescope_model_ready', help: `1 where a version of a model can be asked, else 0; the first ${most}.`, labelNames: ['model', 'version'], ...this.#of })
  readonly #memory = new Gauge({ name: 'statescope_model_bytes', help: `Bytes that the weights of a version take in all threads; 0 where it is not loaded; the first ${most}.`, labelNames: ['model', 'version'], ...this.#of })
  readonly #limit = new Gauge({ name: 'statescope_model_bytes_limit', help: 'Bytes that the weights of all models may take (MODELS_MEMORY_MB); 0 where it is not set.', ...this.#of })
  readonly #info = new Gauge({ name: 'statescope_info', help: 'What runs: 1.', labelNames: ['version', 'engine', 'engine_version'], ...this.#of })

  /** A request has come. */
  came (): void {
    this.#now++
  }

  /** A request is over. `exists` is asked about a model that was not named before. */
  served ({ route = 'none', method, status, seconds, model, code }: Served, exists: (id: string) => boolean): void {
    this.#now--
    this.#requests.inc({ route, method, status })
    this.#duration.observe({ route, method }, seconds)
    if (code !== undefined) this.#problems.inc({ code })
    if (model !== undefined) this.#ofModels.inc({ model: this.#label(model, exists), status })
  }

  /** A job of the pool is over. */
  ran ({ model: key, queued, ran, together }: Ran): void {
    const model = this.#label(key.slice(0, key.lastIndexOf('/')), () => true)
    this.#queued.observe({ model }, queued / 1000)
    this.#ran.observe({ model }, ran / 1000)
    this.#together.observe(together)
  }

  /** A thread of the pool has died. */
  died (): void {
    this.#deaths.inc()
  }

  /** In Prometheus' text format; without a service only what the HTTP side counts. */
  async text (service: Service | null): Promise<string> {
    if (!collecting) collectDefaultMetrics({ register: ofProcess })
    collecting = true
    this.#underWay.set(this.#now)
    if (service !== null) this.#look(service)
    return `${await this.#registry.metrics()}\n${await ofProcess.metrics()}`
  }

  #look ({ pool, registry, lifecycle: { memory } }: Service): void {
    const { waiting, workers } = pool.state()
    this.#waiting.set(waiting.requests)
    this.#bytes.set(waiting.bytes)
    this.#workers.set({ state: 'all' }, workers.length)
    this.#workers.set({ state: 'alive' }, workers.filter(({ alive }) => alive).length)
    this.#workers.set({ state: 'busy' }, workers.filter(({ alive, busy }) => alive && busy).length)
    this.#tensors.set(workers.reduce((sum, { tensors }) => sum + tensors, 0))
    this.#tensorBytes.set(workers.reduce((sum, { bytes }) => sum + bytes, 0))
    this.#info.set({ version: about.version, engine: pool.engine.name, engine_version: pool.engine.version }, 1)
    const entries = registry.list()
    this.#statuses.reset()
    for (const status of ['ready', 'loading', 'refused', 'unsound', 'unloaded', 'idle'] as const) this.#statuses.set({ status }, entries.filter((entry) => entry.status === status).length)
    this.#ready.reset()
    this.#memory.reset()
    this.#limit.set(memory.limit === Infinity ? 0 : memory.limit)
    // What has no proper name is listed by /models alone.
    for (const { key, id, version, status } of entries.filter(({ id }) => idPattern.test(id)).slice(0, most)) {
      this.#ready.set({ model: id, version }, status === 'ready' || status === 'idle' ? 1 : 0)
      this.#memory.set({ model: id, version }, memory.bytesOf(key))
    }
  }

  #label (model: string, exists: (id: string) => boolean): string {
    if (this.#models.has(model)) return model
    if (this.#models.size >= most || !idPattern.test(model) || !exists(model)) return 'other'
    this.#models.add(model)
    return model
  }
}

/** For Prometheus, which brings the token like every other client. */
export function metricsRoute (app: App, service: ServiceSource, metrics: Metrics): void {
  app.get('/metrics', {
    config: { quiet: true },
    schema: {
      tags: ['health'],
      operationId: 'metrics',
      summary: 'What the service counts and measures, for Prometheus',
      response: {
        ...answers(Type.String(), '', [], 'unauthorized', 'internal'),
        200: { description: 'Prometheus\' text format', content: { 'text/plain': { schema: Type.String() } } }
      }
    }
  }, async (_, reply) => {
    reply.type(ofProcess.contentType)
    return await metrics.text(running(service))
  })
}
