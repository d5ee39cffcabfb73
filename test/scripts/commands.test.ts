import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { layClone, node, plainEnv, type Outcome } from './clone.ts'

const env = { ...plainEnv(), ENGINE: 'wasm' }

/** A clone whose sources are these alone. */
function room (t: Test, sources: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'statescope-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  layClone(folder)
  write(folder, sources)
  return folder
}

function write (folder: string, sources: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

const build = async (folder: string): Promise<Outcome> => await node(['scripts/build.mjs'], folder, env)

t.test('build compiles what is stale', async t => {
  const folder = room(t, { 'src/a.ts': 'export const a: number = 1\n', 'test/a.test.ts': "import '../src/a.ts'\n" })
  t.match(await build(folder), { code: 0, err: /compiling/ })
  const compiled = (): string[] => readdirSync(join(folder, 'dist'), { recursive: true }).map(String).filter(name => name.endsWith('.js')).sort()
  t.same(compiled(), ['src/a.js', 'test/a.test.js'])
  t.match(await build(folder), { code: 0, err: '' }, 'once')

  rmSync(join(folder, 'test/a.test.ts'))
  write(folder, { 'src/b.ts': 'export const b = 2\n' })
  t.match(await build(folder), { code: 0, err: /compiling/ })
  t.same(compiled(), ['src/a.js', 'src/b.js'], 'the output of a deleted test is gone')

  write(folder, { 'src/b.ts': "export const b: number = 'two'\n" })
  for (const time of ['first', 'second']) t.match(await build(folder), { code: 1, err: /compiling/, out: '' }, `an error is an error the ${time} time`)
})

t.test('start is the service', async t => {
  const folder = room(t, {
    'src/cli.ts': `import { writeFileSync } from 'node:fs'
      process.on('SIGTERM', () => { console.log('closing'); process.exit(7) })
      console.log(JSON.stringify(process.argv.slice(2)))
      if (process.argv.includes('--stay')) { setInterval(() => {}, 1000); writeFileSync('ready', '') }
      else process.exitCode = 3\n`
  })
  const args = ['--engine', 'wasm', 'my model.h5', '--port=0']
  t.match(await node(['scripts/start.mjs', ...args], folder, { ...env, ENGINE: 'nonsense' }),
    { code: 3, out: `${JSON.stringify(args)}\n` }, 'arguments go in, the exit code comes out')
  const ended = await node(['scripts/start.mjs', '--stay'], folder, env, child => {
    const watch = setInterval(() => {
      if (!existsSync(join(folder, 'ready'))) return
      clearInterval(watch)
      child.kill('SIGTERM')
    }, 50)
  })
  t.match(ended, { code: 7, out: '["--stay"]\nclosing\n' }, 'and signals')

  rmSync(join(folder, 'ready'))
  const npm = spawn('npm', ['start', '--', '--stay'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] })
  let out = ''
  npm.stdout.on('data', chunk => { out += String(chunk) })
  while (!existsSync(join(folder, 'ready')) && npm.exitCode === null) await new Promise(resolve => setTimeout(resolve, 50))
  npm.kill('SIGTERM')
  // 'close' comes when the last process that holds npm's standard output is gone.
  await new Promise(resolve => npm.once('close', resolve))
  t.match(out, /closing\n$/, 'a signal to npm ends the service too')

  t.match(await node(['scripts/start.mjs'], folder, { ...env, ENGINE: 'nonsense' }), { code: 1, out: '', err: /ENGINE is one of/ })
})

t.test('test counts', async t => {
  const one = (body: string): string => `import t from 'tap'\n${body}\n`
  const folder = room(t, {
    'test/good.test.ts': one('t.equal(1, 1)\nt.equal(2, 2)'),
    'test/later.slow.test.ts': one("t.equal(3, 3, 'slow')")
  })
  const run = async (args: string[] = [], more: Record<string, string> = {}): Promise<Outcome> =>
    await node(['scripts/test.mjs', ...args], folder, { ...env, ...more })
  const last = (outcome: Outcome): string | undefined => outcome.out.trim().split('\n').at(-1)

  const passing = await run([], { CI: 'true' })
  t.match(passing, { code: 0, out: /\n2 passed, 0 failed\n$/ }, 'the slow one is left out')
  t.match(await run(['test/later.slow.test.ts']), { code: 0, out: /\n1 passed, 0 failed\n$/ }, 'unless it is named')

  write(folder, { 'test/bad.test.ts': one("t.equal(1, 1)\nt.test('inner', t => { t.equal(1, 1); t.equal(1, 2, 'wrong'); t.end() })"), 'test/other.test.ts': one('t.equal(5, 5)') })
  const said = (await run()).out.split('\n# Subtest').at(-1) ?? ''
  t.match(said, /\nnot ok: dist\/test\/bad\.test\.js > inner > wrong\n\{.*"diff": ".*\+1/s, 'what failed is said at the end')
  t.equal(said.match(/\nnot ok: /g)?.length, 1, 'once')

  write(folder, { 'test/bad.test.ts': one("t.equal(1, 2)\nt.test('R', { skip: 'no R here' }, () => {})") })
  const failing = await run(['test/bad.test.ts'])
  t.equal(failing.code === 0, false)
  t.equal(last(failing), '0 passed, 1 failed')

  write(folder, { 'test/bad.test.ts': one("t.equal(1, 1)\nt.test('R', { skip: 'no R here' }, () => {})") })
  t.match(await run(['test/bad.test.ts']), { code: 0, out: /\n1 skipped\n1 passed, 0 failed\n$/ }, 'a skip passes at home')
  const strict = await run(['test/bad.test.ts'], { CI: 'true' })
  t.not(strict.code, 0, 'and fails in CI')
  t.equal(last(strict), '1 passed, 1 failed')

  write(folder, { 'test/bad.test.ts': one('t.plan(2)\nt.equal(1, 1)\nprocess.exit(0)') })
  const short = await run(['test/bad.test.ts'])
  t.not(short.code, 0)
  t.match(last(short), /^1 passed, [1-9] failed$/, 'a file that ends too early has failed')
})
