import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Fault } from '../../src/errors.ts'
import { digestOf, readManifest, type Manifest } from '../../src/store/manifest.ts'
import { Store } from '../../src/store/store.ts'
import { failing } from './failing.ts'

const model = Buffer.concat([Buffer.from('PK'), Buffer.alloc(200_000, 7)])
const meta = Buffer.from('{}')
async function * chunks (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}
const manifest: Manifest = {
  digest: digestOf(model),
  files: { 'model.keras': { size: model.length, digest: digestOf(model) }, 'statescope.json': { size: meta.length, digest: digestOf(meta) } },
  format: 'keras',
  kerasVersion: '3.0.0',
  notes: [],
  receipt: {},
  stored: '2026-01-01T00:00:00.000Z'
}

/** The whole way of a version: in, and out again. */
async function store (store: Store, id: string, version: number): Promise<void> {
  const staged = await store.begin()
  try {
    await staged.writeModel(chunks(model), 2 ** 20)
    await staged.write('statescope.json', [meta], 2 ** 20)
    await store.commit(staged, id, version, manifest)
  } finally {
    await staged.discard()
  }
}

const below = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(folder, path)).isFile()).sort()
const whole = ['1/model.keras', '1/statescope.json', '1/statescope.manifest.json']

t.test('a version is stored for its owner alone, and removed', async (t) => {
  const folder = t.testdir()
  const own = new Store(folder)
  await store(own, 'rain', 1)
  t.same(below(join(folder, 'rain')), whole)
  t.equal(statSync(join(folder, 'rain/1/model.keras')).mode & 0o777, 0o600)
  t.ok(readFileSync(join(folder, 'rain/1/model.keras')).equals(model))
  t.same(await readManifest(join(folder, 'rain/1')), manifest)
  await t.rejects(store(own, 'rain', 1), new Fault('version_exists', 'there is something at rain/1 in MODELS_DIR already: take another version'))
  await own.remove(join(folder, 'rain/1'))
  t.same(below(folder), [])
  t.notOk(existsSync(join(folder, 'rain')))
})

t.test('whatever fails at whichever call: what was there is there, and nothing else', async (t) => {
  let tried = 0
  for (const [code, fault] of [['ENOSPC', 'storage_full'], ['EDQUOT', 'storage_full'], ['EIO', 'storage_failed'], ['EMFILE', 'storage_failed'], ['EROFS', 'storage_failed'], ['short', null]] as const) {
    for (let n = 1; ; n++) {
      const folder = t.testdir()
      await store(new Store(folder), 'rain', 1)
      const before = below(folder).map((path) => [path, digestOf(readFileSync(join(folder, path)))])
      const { files, calls } = failing(n, code)
      const error = await store(new Store(folder, files), 'rain', 2).then(() => null, (error: Error) => error)
      if (calls() < n) {
        t.ok(n > 15, `${code}: ${n - 1} calls`)
        break
      }
      tried++
      const after = below(folder).map((path) => [path, digestOf(readFileSync(join(folder, path)))])
      if (fault === null) {
        t.equal(error, null)
        t.ok(readFileSync(join(folder, 'rain/2/model.keras')).equals(model), 'a write that took less is gone on with')
      } else {
        if (!(error instanceof Fault && error.code === fault)) t.match(error, { code: fault }, `${code} at ${n}`)
        if (JSON.stringify(after) !== JSON.stringify(before)) t.same(after, before, `${code} at ${n}`)
      }
      // And once more, without a fault: nothing stands in the way.
      if (fault !== null) await store(new Store(folder), 'rain', 2)
    }
  }
  t.ok(tried > 90, `${tried} faults`)
})

t.test('a version that is not removed is there as it was', async (t) => {
  for (let n = 1; ; n++) {
    const folder = t.testdir()
    await store(new Store(folder), 'rain', 1)
    const { files, calls } = failing(n, 'EIO')
    const error = await new Store(folder, files).remove(join(folder, 'rain/1')).then(() => null, (error: Error) => error)
    if (calls() < n) {
      t.ok(n > 4)
      break
    }
    t.match(error, { code: 'storage_failed' }, `call ${n}`)
    t.same(below(folder).map((path) => path.replace('rain/', '')), whole, `call ${n}`)
  }
})

t.test('what an earlier run left half done goes at the start', async (t) => {
  const folder = t.testdir()
  const own = new Store(folder)
  await (await own.begin()).writeModel(chunks(model), 2 ** 20)
  t.equal(below(folder).length, 1)
  await own.clear()
  t.same(below(folder), [])
  await own.clear()
  t.pass('where there is nothing too')
})

t.test('a manifest that was damaged is refused', async (t) => {
  const folder = t.testdir()
  t.equal(await readManifest(folder), null, 'there is none')
  for (const text of ['', 'x', '{}', '[]', 'null', JSON.stringify({ ...manifest, digest: 'sha256:0' }), JSON.stringify({ ...manifest, files: { a: 1 } })]) {
    writeFileSync(join(folder, 'statescope.manifest.json'), text)
    await t.rejects(readManifest(folder), { code: 'bad_file', message: /damaged/ }, text)
  }
  writeFileSync(join(folder, 'statescope.manifest.json'), JSON.stringify(manifest))
  await t.rejects(readManifest(folder), { code: 'bad_file', message: /statescope.json/ }, 'the file beside it is gone')
  mkdirSync(join(folder, 'statescope.json'))
  await t.rejects(readManifest(folder), { code: 'bad_file', message: /statescope.json/ })
})
