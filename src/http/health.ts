import { Fault } from '../errors.ts'
import { answers, LiveAnswer, ReadyAnswer } from './answers.ts'
import type { App, ServiceSource } from './service.ts'

/** For whoever watches the service: no token, any Accept. */
export function healthRoutes (app: App, service: ServiceSource, closing: () => boolean): void {
  app.get('/health/live', {
    config: { quiet: true },
    schema: { tags: ['health'], operationId: 'live', summary: 'The process answers', security: [], response: answers(LiveAnswer, 'It lives', ['json']) }
  }, async () => ({ status: 'live' }))

  app.get('/health/ready', {
    config: { quiet: true },
    schema: {
      tags: ['health'],
      operationId: 'ready',
      summary: 'The engine runs and every model has been looked at',
      security: [],
      response: answers(ReadyAnswer, 'It serves; models that are refused do not hold it back', ['json'], 'not_ready')
    }
  }, async () => {
    if (closing()) throw new Fault('not_ready', 'the service is stopping')
    const { registry, pool } = service()
    const { engine } = pool
    const { workers } = pool.state()
    const alive = workers.filter((worker) => worker.alive).length
    if (alive === 0) throw new Fault('not_ready', 'none of the threads that compute is alive; they are being started again')
    const models = registry.list().map(({ id, version, status, reason }) => ({ id, version, status, reason }))
    const loading = models.filter(({ status }) => status === 'loading').map(({ id }) => id)
    if (loading.length > 0) throw new Fault('not_ready', `still being loaded: ${loading.join(', ')}`)
    return { status: 'ready', engine: engine.name, engineVersion: engine.version, reference: engine.reference, tensorflow: engine.tensorflow, warning: engine.warning, workers: workers.length, workersAlive: alive, models }
  })
}
