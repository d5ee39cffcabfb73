import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { layClone, layCommands, listener, node, plainEnv, script, type Outcome } from './clone.ts'

const { makeEntry } = await script('engine/cache.mjs')
const { cacheFolder, platformName, tfjsNode, wheels } = await script('engine/names.mjs')
const platform: string = platformName()
const wheel = wheels[platform]
const refused = 'http://127.0.0.1:1/'

interface Room { folder: string, tfjsNode: string, cache: string, env: Record<string, string> }

/** A clone with an empty cache, where tfjs-node's download host refuses and only the given commands exist. */
function room (t: Test, commands: readonly string[], own: Record<string, string> = {}): Room {
  const folder = mkdtempSync(join(tmpdir(), 'statescope-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const place = layClone(join(folder, 'clone'))
  const PATH = layCommands(join(folder, 'bin'), commands, own)
  const cache = join(folder, 'cache')
  const env = { ...withoutProxy(plainEnv()), PATH, STATESCOPE_CACHE: cache, TFJS_NODE_CDN_STORAGE: refused }
  return { folder: join(folder, 'clone'), tfjsNode: place, cache, env }
}

function withoutProxy (env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^https?_proxy$|^CXX$/i.test(name)))
}

const setUp = async ({ folder, env }: Room, more: Record<string, string> = {}): Promise<Outcome> =>
  await node(['scripts/engine.mjs'], folder, { ...env, ...more })

const entries = (cache: string): string[] => existsSync(cache) ? readdirSync(cache) : []

// pip as the set-up calls it: `--version`, and `download ... --dest FOLDER NAME`.
const pip = (download: string): string => `
case "$*" in *--version*) exit 0 ;; esac
while [ $# -gt 0 ]; do
  [ "$1" = --dest ] && dest="$2"
  shift
done
${download}`

t.test('ENGINE says what may happen', async t => {
  const clone = room(t, [])
  const wasm = await setUp(clone, { ENGINE: 'wasm' })
  t.match(wasm, { code: 0, out: 'WebAssembly\n', err: '' }, 'wasm tries nothing')
  t.match(await setUp(clone, { ENGINE: 'cuda' }), { code: 1, err: /ENGINE is one of auto, native, onnx, tfjs, wasm, not "cuda"/ })
})

t.test('no way is left', async t => {
  const clone = room(t, [])
  const auto = await setUp(clone)
  t.match(auto, { code: 0, out: 'WebAssembly\n', err: /NO NATIVE TENSORFLOW/ }, 'auto falls back, and says so')
  t.match(auto.err, /download host 127\.0\.0\.1:1 is not reachable: ECONNREFUSED/)
  t.match(auto.err, wheel === undefined ? /no TensorFlow wheel is known/ : /no C\+\+ compiler/)
  const note = JSON.parse(readFileSync(join(clone.tfjsNode, 'statescope-engine.json'), 'utf8'))
  t.match(note, { engine: 'wasm', reasons: [/ECONNREFUSED/, String] }, 'the reasons are noted for the service')
  const tfjs = await setUp(clone, { ENGINE: 'tfjs' })
  t.match(tfjs, { code: 1, out: '', err: /ENGINE=tfjs, and TensorFlow cannot be had here:\n {2}- .*ECONNREFUSED/ }, 'tfjs fails')
  t.same(entries(clone.cache), [])
})

t.test('a download host that does not answer, and a proxy that does not let through', async t => {
  const silent = await listener(() => {})
  const proxy = await listener(socket => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'))
  t.teardown(() => {
    silent.close()
    proxy.close()
  })
  const clone = room(t, [])
  const slow = await setUp(clone, { TFJS_NODE_CDN_STORAGE: `http://127.0.0.1:${silent.port}/` })
  t.match(slow, { code: 0, err: /is not reachable: no answer in 4 s/ })
  t.ok(slow.seconds < 15, `gave up after ${slow.seconds.toFixed(1)} s`)
  const barred = await setUp(clone, { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` })
  t.match(barred, { code: 0, err: /does not let this machine in: HTTP 403/ })
})

t.test("tfjs-node's own install script that brings nothing usable", async t => {
  const host = await listener(socket => socket.once('data', () => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')))
  t.teardown(() => host.close())
  const clone = room(t, ['sh'])
  const before = readFileSync(join(clone.tfjsNode, 'package.json'))
  const url = `http://127.0.0.1:${host.port}/`
  const failed = await setUp(clone, { TFJS_NODE_CDN_STORAGE: url, npm_config_tfjs_binding_binary_host_mirror: url })
  t.match(failed, { code: 0, out: 'WebAssembly\n', err: /running tfjs-node's own install script/ })
  t.match(failed.err, / {2}- .*node failed \(exit code 1\)/, 'the script failed, with its reason')
  t.same(entries(clone.cache), [], 'nothing half-made is left in the cache')
  t.same(readdirSync(clone.tfjsNode).sort(), ['binding', 'binding.gyp', 'package.json', 'scripts', 'statescope-engine.json'])
  t.same(readFileSync(join(clone.tfjsNode, 'package.json')), before, 'tfjs-node is as it was')
})

t.test('the wheel', { skip: wheel === undefined ? `no wheel for ${platform}` : false }, async t => {
  const compiler = { 'c++': 'exit 0' }

  await t.test('no pip', async t => {
    const clone = room(t, [], compiler)
    t.match(await setUp(clone, { ENGINE: 'tfjs' }), { code: 1, err: /no pip to fetch TensorFlow with/ })
    t.same(entries(clone.cache), [])
  })

  await t.test('a package index out of reach', async t => {
    const clone = room(t, [], { ...compiler, python3: pip('echo "WARNING: retrying" >&2; echo "ERROR: No matching distribution found" >&2; exit 1') })
    t.match(await setUp(clone, { ENGINE: 'tfjs' }), { code: 1, err: /exit code 1\): ERROR: No matching distribution found/ })
    t.same(entries(clone.cache), [])
  })

  await t.test('another file than the pinned one', async t => {
    const clone = room(t, ['mkdir'], { ...compiler, python3: pip('mkdir -p "$dest"; echo forged > "$dest/tensorflow.whl"') })
    t.match(await setUp(clone, { ENGINE: 'tfjs' }), { code: 1, err: new RegExp(`sha256 [0-9a-f]{64}, not the pinned ${wheel.sha256}; it is not used`) })
    t.same(entries(clone.cache), [])
  })

  await t.test('a signal while pip works', async t => {
    const clone = room(t, ['mkdir', 'sleep', 'touch'], { ...compiler, python3: pip(': > "$TMPDIR/../started"; exec sleep 30') })
    const start = performance.now()
    const ended = await node(['scripts/engine.mjs'], clone.folder, clone.env, child => {
      const watch = setInterval(() => {
        if (!entries(clone.cache).some(name => existsSync(join(clone.cache, name, 'started')))) return
        clearInterval(watch)
        child.kill('SIGTERM')
      }, 50)
    })
    t.match(ended, { code: 143 })
    t.ok(performance.now() - start < 25_000)
    t.same(entries(clone.cache), [], 'nothing half-made is left in the cache')
    t.same(readdirSync(clone.tfjsNode).sort(), ['binding', 'binding.gyp', 'package.json', 'scripts'])
  })
})

t.test("tfjs-node's addon", { skip: wheel === undefined ? `no wheel for ${platform}` : false }, async t => {
  const unpacked = wheel && `${wheel.project}-${wheel.version}-${platform}`

  /** A room whose cache has a wheel's files already, empty ones, and this compiler. */
  async function withCompiler (t: Test, text: string): Promise<Room> {
    const clone = room(t, ['cp'], { 'c++': `[ "$1" = --version ] && exit 0\n${text}` })
    await makeEntry(clone.cache, unpacked, async (folder: string) => {
      mkdirSync(join(folder, 'lib'))
      for (const library of [...wheel.linked, ...wheel.others]) writeFileSync(join(folder, 'lib', library), '')
    }, () => {})
    return clone
  }

  await t.test('a compiler that fails', async t => {
    const clone = await withCompiler(t, 'echo "tfjs_backend.cc:1: fatal error: c_api.h: No such file" >&2; exit 1')
    t.match(await setUp(clone, { ENGINE: 'tfjs' }), { code: 1, err: /c\+\+ failed \(exit code 1\): .*c_api\.h: No such file/ })
    t.same(entries(clone.cache), [unpacked])
  })

  await t.test('a compiler whose addon does not load', async t => {
    const clone = await withCompiler(t, 'while [ "$1" != -o ]; do shift; done; echo junk > "$2"')
    t.match(await setUp(clone, { ENGINE: 'tfjs' }), { code: 1, err: /the addon does not run here/ })
    t.same(entries(clone.cache), [unpacked], 'is not kept')
    t.notOk(existsSync(join(clone.tfjsNode, 'lib')), 'and not put in place')
  })
})

// A warm cache is what `npm test` leaves behind on a machine with the wheel; the empty one is for engine.slow.test.ts.
const target = tfjsNode()
const name = wheel && `tfjs-node-${target.version}-napi-${target.napi}-${platform}-${wheel.project}-${wheel.version}`
const warm = wheel !== undefined && existsSync(join(cacheFolder(), name))

t.test('a second clone', { skip: warm ? false : 'the cache holds no engine' }, async t => {
  const clone = room(t, [])
  const env = { STATESCOPE_CACHE: cacheFolder() }
  const first = await setUp(clone, env)
  t.match(first, { code: 0, out: /^TensorFlow \d+\.\d+\.\d+, from the cache/ }, 'without a compiler, pip or network')
  const library = join(clone.tfjsNode, 'deps', 'lib', 'libtensorflow_cc.so.2')
  const cached = statSync(join(cacheFolder(), name, 'deps', 'lib', 'libtensorflow_cc.so.2'))
  if (statSync(clone.tfjsNode).dev === cached.dev) t.equal(statSync(library).ino, cached.ino, 'the library is linked, not copied')

  const { ctimeMs } = statSync(library)
  t.match(await setUp(clone, env), { code: 0, err: '' }, 'has nothing to do')
  t.equal(statSync(library).ctimeMs, ctimeMs, 'and does nothing')

  rmSync(library)
  t.match(await setUp(clone, env), { code: 0, err: /addon does not run here: .*libtensorflow_cc[\s\S]*from the cache/ }, 'a lost library is put back')
  t.ok(existsSync(library))

  const addon = join(clone.tfjsNode, 'lib', `napi-v${target.napi}`, 'tfjs_binding.node')
  rmSync(addon)
  writeFileSync(addon, 'not an addon')
  t.match(await setUp(clone, { STATESCOPE_CACHE: clone.cache }), { code: 0, out: 'WebAssembly\n', err: /addon does not run here/ })
  t.notOk(existsSync(addon), 'an addon that does not run is taken away')
})
