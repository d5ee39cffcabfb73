import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { script } from './clone.ts'

const { findEntry, makeEntry } = await script('engine/cache.mjs')
const { place } = await script('engine/place.mjs')

const quiet = (): void => {}

async function fill (folder: string): Promise<void> {
  mkdirSync(join(folder, 'deps', 'lib'), { recursive: true })
  writeFileSync(join(folder, 'deps', 'lib', 'library'), 'the library')
  writeFileSync(join(folder, 'addon'), 'the addon')
}

t.test('an entry is there whole', async t => {
  const root = t.testdir()
  t.equal(await findEntry(root, 'entry', quiet), null)
  const entry = await makeEntry(root, 'entry', async (folder: string) => {
    await fill(folder)
    mkdirSync(join(folder, '.work'))
    writeFileSync(join(folder, '.work', 'download'), 'large')
  }, quiet)
  t.equal(entry, join(root, 'entry'))
  t.equal(await findEntry(root, 'entry', quiet), entry)
  t.same(readdirSync(root), ['entry'])
  t.same(readdirSync(entry).sort(), ['addon', 'deps', 'entry.json'], 'without what only its making needed')
  t.equal(statSync(join(entry, 'addon')).mode & 0o222, 0, 'read-only')
})

t.test('a broken entry is thrown away and made anew', async t => {
  const breaks: Record<string, (entry: string) => void> = {
    'is missing': entry => rmSync(join(entry, 'addon')),
    'bytes, not': entry => {
      chmodSync(join(entry, 'addon'), 0o644)
      writeFileSync(join(entry, 'addon'), 'the')
    },
    'has changed': entry => {
      chmodSync(join(entry, 'addon'), 0o644)
      writeFileSync(join(entry, 'addon'), 'THE ADDON')
    },
    'no manifest': entry => rmSync(join(entry, 'entry.json')),
    'unreadable manifest': entry => writeFileSync(join(entry, 'entry.json'), '{"files": [')
  }
  for (const [problem, damage] of Object.entries(breaks)) {
    const root = t.testdir()
    damage(await makeEntry(root, 'entry', fill, quiet))
    let said = ''
    t.equal(await findEntry(root, 'entry', (line: string) => { said = line }), null, problem)
    t.match(said, new RegExp(`entry is broken: .*${problem}`))
    t.same(readdirSync(root), [])
    t.equal(await findEntry(root, 'entry', quiet), null)
    t.ok(await makeEntry(root, 'entry', fill, quiet))
  }
})

t.test('a making that fails leaves nothing', async t => {
  const root = t.testdir()
  await t.rejects(makeEntry(root, 'entry', async (folder: string) => {
    await fill(folder)
    throw new Error('disk full')
  }, quiet), { message: 'disk full' })
  t.same(readdirSync(root), [])
})

t.test('two at once: both get a whole entry', async t => {
  const root = t.testdir()
  const both = await Promise.all([1, 2].map(async () => await makeEntry(root, 'entry', async (folder: string) => {
    await new Promise(resolve => setTimeout(resolve, 50))
    await fill(folder)
  }, quiet)))
  t.same(both, [join(root, 'entry'), join(root, 'entry')])
  t.ok(await findEntry(root, 'entry', quiet))
  t.same(readdirSync(root), ['entry'])
})

t.test('a broken entry in the way of a fresh one', async t => {
  const root = t.testdir()
  const entry = await makeEntry(root, 'entry', async (folder: string) => {
    await fill(folder)
    // Another set-up of another make has put its own there meanwhile, and was cut off.
    mkdirSync(join(root, 'entry'))
    writeFileSync(join(root, 'entry', 'half'), '')
  }, quiet).catch((error: Error) => error)
  t.ok(entry instanceof Error, 'is an error, not a half entry')
  t.equal(await findEntry(root, 'entry', quiet), null)
  t.ok(await makeEntry(root, 'entry', fill, quiet))
})

t.test('what interrupted set-ups left is swept away, what running ones hold is not', async t => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  const gone = `.new-${hostname()}-${pid}-0a`
  const running = `.new-${hostname()}-${process.ppid}-0b`
  const elsewhere = '.new-another-host-1-0c'
  const root = t.testdir({ [gone]: { part: '' }, [running]: { part: '' }, [elsewhere]: { part: '' }, other: {} })
  await makeEntry(root, 'entry', fill, quiet)
  t.same(readdirSync(root).sort(), [running, elsewhere, 'entry', 'other'].sort())
})

t.test('files are linked, or copied to another disk', async t => {
  const folder = t.testdir({ source: 'the library', target: 'an older library' })
  const source = join(folder, 'source')
  const target = join(folder, 'target')
  await place(source, target)
  t.equal(statSync(target).ino, statSync(source).ino)
  await place(source, target)
  t.same(readdirSync(folder).sort(), ['source', 'target'], 'placed again, nothing is left over')

  const shared = '/dev/shm'
  if (existsSync(shared) && statSync(shared).dev !== statSync(folder).dev) {
    const other = mkdtempSync(join(shared, 'statescope-'))
    t.teardown(() => rmSync(other, { recursive: true, force: true }))
    await place(source, join(other, 'target'))
    t.equal(readFileSync(join(other, 'target'), 'utf8'), 'the library')
  }
})
