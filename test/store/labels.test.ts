import * as node from 'node:fs/promises'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { realFiles, type Files } from '../../src/store/disk.ts'
import { Store } from '../../src/store/store.ts'
import { failing } from './failing.ts'

const before = { rain: { stable: 1 } }
const after = { rain: { stable: 2, canary: 3 }, snow: { stable: 1 } }

t.test('whatever fails at whichever call: the labels before are there, or none where there were none', async (t) => {
  for (const [code, fault] of [['ENOSPC', 'storage_full'], ['EIO', 'storage_failed'], ['short', null]] as const) {
    for (const earlier of [before, null]) {
      for (let n = 1; ; n++) {
        const folder = t.testdir()
        if (earlier !== null) await new Store(folder).writeLabels(earlier)
        const { files, calls } = failing(n, code)
        const error = await new Store(folder, files).writeLabels(after).then(() => null, (error: Error) => error)
        if (calls() < n) {
          t.ok(n > 8, `${code}: ${n - 1} calls`)
          break
        }
        if (fault !== null) t.match(error, { code: fault }, `${code} at ${n}`)
        t.same(await new Store(folder).readLabels(), fault === null ? after : earlier ?? {}, `${code} at ${n}`)
        const staging = join(folder, '.statescope/staging')
        if (existsSync(staging)) t.same(readdirSync(staging), [], 'nothing is left behind')
        await new Store(folder).writeLabels(after)
      }
    }
  }
})

t.test('labels are for the owner alone, and outlive a power cut: file and folders are made to last', async (t) => {
  const folder = t.testdir()
  const lasting: string[] = []
  const files: Files = {
    ...realFiles,
    open: async (path, ...rest) => {
      const file = await node.open(path, ...rest)
      return new Proxy(file, {
        get: (target, name) => {
          if (name === 'sync') lasting.push(relative(folder, String(path)).replace(/staging\/[^/]+/, 'staging/*'))
          const found: unknown = Reflect.get(target, name, target)
          return typeof found === 'function' ? found.bind(target) : found
        }
      })
    }
  }
  await new Store(folder, files).writeLabels(after)
  t.same(lasting, ['.statescope/staging/*/labels.json', '.statescope', ''])
  t.equal(statSync(join(folder, '.statescope/labels.json')).mode & 0o777, 0o600)
  t.same(JSON.parse(readFileSync(join(folder, '.statescope/labels.json'), 'utf8')), after)
})

t.test('a file of labels that is damaged or cannot be read is said to be so, and is replaced by the next', async (t) => {
  const folder = t.testdir()
  const own = new Store(folder)
  t.same(await own.readLabels(), {}, 'none was written')
  const kept = join(folder, '.statescope/labels.json')
  mkdirSync(kept, { recursive: true })
  await t.rejects(own.readLabels(), { code: 'bad_file', message: /cannot be read: EISDIR/ })
  await node.rmdir(kept)
  for (const text of ['', '{', '[]', '1', '{"rain": 1}', '{"rain": []}', '{"rain": {"stable": 0}}', '{"rain": {"stable": "1"}}', '{"rain": {"stable": 1.5}}', '{"rain": {"stable": 1}, "snow": {"stable": null}}']) {
    writeFileSync(kept, text)
    await t.rejects(own.readLabels(), { code: 'bad_file', message: /damaged/ }, text)
  }
  await own.writeLabels(after)
  t.same(await own.readLabels(), after)
})
