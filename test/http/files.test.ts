import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { serve as start } from '../support/service.ts'
import { inProject } from './support.ts'

const sound = readFileSync(inProject('test/goldens/models/lstm-last-k2-h5.h5'))
// It begins as HDF5 does.
const damaged = Buffer.concat([sound.subarray(0, 64), Buffer.alloc(64, 1)])
const admin = { authorization: 'Bearer do it' }

t.test('a file is named as it is in what is said of it', async (t) => {
  const folder = t.testdir()
  const { server: { url, close } } = await start({ MODELS_DIR: folder, ENGINE: process.env.ENGINE ?? 'wasm', ADMIN_TOKEN: 'do it' })
  t.teardown(close)
  const details = async (method: string, path: string, body?: Uint8Array | FormData, headers: Record<string, string> = {}): Promise<string> => {
    const response = await fetch(url + path, { method, headers: { ...admin, ...headers }, ...body === undefined ? {} : { body: body as FormData } })
    const { detail, error } = await response.json() as { detail?: string, error?: string }
    t.equal(response.status, 422, path)
    return detail ?? error ?? ''
  }
  const form = (meta: string): FormData => {
    const made = new FormData()
    made.append('model', new Blob([sound]), 'model.h5')
    made.append('meta', new Blob([meta]), 'statescope.json')
    return made
  }
  const rain = '/models/rain/versions/1'
  t.match(await details('PUT', rain, damaged, { 'content-type': 'application/octet-stream' }), /^"model\.h5" is damaged: /)
  t.match(await details('PUT', rain, form('{')), /^"statescope\.json" is not JSON: /)
  t.match(await details('PUT', rain, form('{"features": 1}')), /^"statescope\.json": \/features /)
  // The protocol's errors begin with a capital too.
  writeFileSync(join(folder, 'snow.h5'), damaged)
  cpSync(inProject('test/goldens/models/gru-last-k3-keras.keras'), join(folder, 'hail/1/model.keras'))
  writeFileSync(join(folder, 'hail/1/statescope.manifest.json'), '{')
  mkdirSync(join(folder, 'fog/1'), { recursive: true })
  writeFileSync(join(folder, 'fog/1/model.json'), '{')
  for (const [id, words] of [
    ['snow', /^"snow\.h5" is damaged: /],
    ['hail', /^"statescope\.manifest\.json" is damaged: /],
    ['fog', /^"model\.json" is not JSON: /]
  ] as const) t.match(await details('POST', `/v2/repository/models/${id}/load`), words)
})
