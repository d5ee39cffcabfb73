import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checksOf, pythonWith } from '../python.ts'
import { inProject, serve } from '../support.ts'

const python = pythonWith('tritonclient.http.aio')

t.test('the unmodified tritonclient, sync and aio', { skip: python === null && 'no Python with tritonclient: install test/http/v2/requirements.txt and set TRITON_PYTHON' }, async (t) => {
  const folder = t.testdir()
  const id = 'embed-any-k3-keras'
  copyFileSync(inProject(`test/goldens/models/${id}.keras`), join(folder, `${id}.keras`))
  writeFileSync(join(folder, 'broken.h5'), 'no model')
  const { url } = await serve(t, folder)
  const checks = await checksOf(python!, 'test/http/v2/triton.py', [new URL(url).host, inProject(`test/goldens/cases/${id}.json`), id])
  t.ok(checks.length >= 11, 'all of them')
  for (const { name, error } of checks) t.equal(error, null, name)
})
