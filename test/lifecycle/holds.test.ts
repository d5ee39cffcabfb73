import { cpSync } from 'node:fs'
import { request as open } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { call, inProject } from '../http/support.ts'
import { serve as start } from '../support/service.ts'

t.test('a version that has left answers all who had begun, not only the first of them', async (t) => {
  const folder = t.testdir()
  cpSync(inProject('test/goldens/models/gru-last-k3-keras.keras'), join(folder, 'rain.keras'))
  const { server: { url, close, service: { pool } } } = await start({ MODELS_DIR: folder, ENGINE: process.env.ENGINE ?? 'wasm', ADMIN_TOKEN: 'do it' })
  t.teardown(close)
  const tensors = (): number => pool.state().workers.reduce((sum, worker) => sum + worker.tensors, 0)
  const { inputs } = (await call(`${url}/models/rain/sample`)).body
  const line = `${JSON.stringify({ inputs: inputs[0] })}\n`
  const streams = await Promise.all([1, 2, 3].map(async () => {
    const request = open(`${url}/models/rain/predict`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } })
    const answered = new Promise<AsyncIterator<Buffer>>((resolve) => request.once('response', (answer) => resolve(answer[Symbol.asyncIterator]())))
    request.write(line)
    const lines = await answered
    const next = async (): Promise<object> => JSON.parse(String((await lines.next()).value))
    t.match(await next(), { version: 1 })
    return { request, lines, next }
  }))
  const loaded = tensors()
  t.equal((await fetch(`${url}/models/rain/versions/1/unload`, { method: 'POST', headers: { authorization: 'Bearer do it' } })).status, 200)
  for (const { request, lines, next } of streams) {
    request.write(line)
    t.match(await next(), { version: 1 })
    request.end()
    t.ok((await lines.next()).done)
    // What leaves the engines does so after the answer.
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  t.ok(tensors() < loaded, 'and then it leaves the engines')
})
