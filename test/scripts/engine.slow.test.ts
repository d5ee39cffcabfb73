import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { layClone, node, plainEnv, script } from './clone.ts'

const { platformName, wheels } = await script('engine/names.mjs')
const skip = wheels[platformName()] === undefined ? `no wheel for ${platformName() as string}` : false

t.test('from an empty cache, by two set-ups at once: the wheel is fetched, the addon built', { skip, timeout: 900_000 }, async t => {
  const folder = t.testdir()
  const clone = join(folder, 'clone')
  const tfjsNode = layClone(clone)
  const env = { ...plainEnv(), STATESCOPE_CACHE: join(folder, 'cache'), TFJS_NODE_CDN_STORAGE: 'http://127.0.0.1:1/', ENGINE: 'tfjs' }
  const both = await Promise.all([1, 2].map(async () => await node(['scripts/engine.mjs'], clone, env)))
  for (const outcome of both) t.match(outcome, { code: 0, out: /^TensorFlow \d+\.\d+\.\d+, / }, outcome.err)
  t.ok(existsSync(join(tfjsNode, 'deps', 'lib', 'libtensorflow_cc.so.2')))
  t.match(await node(['scripts/engine.mjs'], clone, env), { code: 0, err: '' }, 'and nothing is left to do')
})
