import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { serve, type Running } from '../support/service.ts'
import { look } from './browser.ts'

const model = readFileSync('test/goldens/models/gru-last-k3-keras.keras')

/** A service that takes uploads, on a folder of its own. */
async function open (): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'upload-'))
  cpSync('models/weather', join(folder, 'weather'), { recursive: true })
  const started = await serve({ MODELS_DIR: folder, ADMIN_TOKEN: 'do it', ENGINE: 'wasm' })
  t.teardown(async () => {
    await started.server.close()
    rmSync(folder, { recursive: true })
  })
  return started
}

look('a model that is dropped on the page is uploaded under a name made of the file\'s, and opened', { on: open(), expected: /401|422/ }, async (t, { page, visit, settled, service, violations }) => {
  await visit('/?model=weather&view=prediction')
  const drop = async (name: string, bytes: Buffer): Promise<void> => await page.evaluate(`{
    const data = new DataTransfer()
    data.items.add(new File([Uint8Array.from(${JSON.stringify([...bytes])})], ${JSON.stringify(name)}))
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
  }`)
  await drop('my rain (2).keras', model)
  const name = page.getByLabel('Upload it as the model')
  t.equal(await name.inputValue(), 'my-rain-2-')
  const send = page.locator('button', { hasText: 'Upload and open' })
  const token = page.getByLabel('ADMIN_TOKEN of the service')
  const problem = page.locator('.give .token .error')
  await token.fill('wrong')
  await send.click()
  t.match(await problem.innerText(), /not the ADMIN_TOKEN/)
  t.same(await violations(), [])
  await token.fill('do it')
  await name.fill('rain')
  /** Sends it, and waits until the version is open. */
  const opens = async (version: number): Promise<void> => {
    await Promise.all([page.waitForResponse((response) => response.url().endsWith(`/models/rain/sample?version=${version}`)), send.click()])
    await settled()
    t.match(new URL(page.url()).search, new RegExp(`(?=.*model=rain)(?=.*version=${version})`))
  }
  await opens(1)
  const { body } = await service.ask('/models')
  t.match(body, { uploads: true, models: [{ id: 'rain', version: 1, status: 'ready' }, { id: 'weather' }] })

  // The same model again is its next version; what is none is refused in words.
  await drop('rain.h5', readFileSync('test/goldens/models/lstm-last-k2-h5.h5'))
  t.equal(await name.inputValue(), 'rain')
  await opens(2)
  await drop('broken.h5', Buffer.from('no model'))
  await send.click()
  t.match(await problem.innerText(), /HDF5/)
  t.match((await service.ask('/models')).body.models.map(({ id, version }: { id: string, version: number }) => `${id}/${version}`), ['rain/1', 'rain/2', 'weather/1'])
})
