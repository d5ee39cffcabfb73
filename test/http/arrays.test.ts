import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checksOf, pythonWith } from './python.ts'
import { inProject, serve } from './support.ts'

const python = pythonWith('numpy, safetensors.numpy')

t.test('NumPy and safetensors, there and back', { skip: python === null && 'no Python with numpy and safetensors: install test/http/v2/requirements.txt and set TRITON_PYTHON' }, async (t) => {
  const folder = t.testdir()
  const ids = ['dict-inputs-k3-keras', 'embed-any-k3-keras']
  for (const id of ids) copyFileSync(inProject(`test/goldens/models/${id}.keras`), join(folder, `${id}.keras`))
  const { url } = await serve(t, folder)
  const checks = await checksOf(python!, 'test/http/arrays.py', [url, inProject('test/goldens/cases'), ...ids])
  t.ok(checks.length >= 7, 'all of them')
  for (const { name, error } of checks) t.equal(error, null, name)
})
