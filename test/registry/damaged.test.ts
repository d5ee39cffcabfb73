import { execFile } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../src/errors.ts'
import { flatten } from '../../src/registry/flatten.ts'
import { originOf } from '../../src/registry/origin.ts'
import { readModel } from '../../src/registry/read.ts'
import { Topology } from '../../src/registry/topology.ts'

const models = fileURLToPath(new URL('../../../test/goldens/models', import.meta.url))

/** Some bytes changed, or the end cut off. */
const damage = fc.oneof(
  fc.record({ cut: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }) }), { minLength: 1, maxLength: 6 })
)

function damaged (bytes: Buffer, how: { cut: number } | { at: number, bytes: Uint8Array }[]): Buffer {
  if (!Array.isArray(how)) return bytes.subarray(0, Math.floor(how.cut * bytes.length))
  const copy = Buffer.from(bytes)
  for (const { at, bytes: patch } of how) copy.set(patch.subarray(0, copy.length - Math.floor(at * copy.length)), Math.floor(at * copy.length))
  return copy
}

/** A model or a fault, never another error and never no answer. */
async function answers (promise: Promise<unknown>): Promise<boolean> {
  try {
    await promise
    return true
  } catch (error) {
    return error instanceof Fault && ['bad_file', 'unsupported_layer'].includes(error.code)
  }
}

for (const name of ['old-nested-k2.13-h5.h5', 'old-plain-k3.8-keras.keras', 'old-plain-k2.12-keras.keras']) {
  t.test(`${name}, damaged anywhere: a model or a fault, in bounded time`, async (t) => {
    const bytes = readFileSync(join(models, name))
    const main = join(t.testdir(), `model${name.slice(name.lastIndexOf('.'))}`)
    await fc.assert(fc.asyncProperty(damage, async (how) => {
      writeFileSync(main, damaged(bytes, how))
      return await answers(readModel({ main, weights: null }, { seconds: 2 }))
    }), { numRuns: 60, interruptAfterTimeLimit: 40000 })
  })
}

t.test('the same with shards', async (t) => {
  const folder = t.testdir()
  const source = join(models, 'old-nested-uint8-tfjs')
  const files = readdirSync(source)
  for (const file of files) writeFileSync(join(folder, file), readFileSync(join(source, file)))
  await fc.assert(fc.asyncProperty(fc.constantFrom(...files), damage, async (file, how) => {
    writeFileSync(join(folder, file), damaged(readFileSync(join(source, file)), how))
    const fine = await answers(readModel({ main: join(folder, 'model.json'), weights: null }, { seconds: 2 }))
    writeFileSync(join(folder, file), readFileSync(join(source, file)))
    return fine
  }), { numRuns: 60, interruptAfterTimeLimit: 40000 })
})

t.test('a file that sends the HDF5 library round in circles, or takes too long, is given up, and the next one is read', async (t) => {
  const good = join(models, 'old-plain-k2.13-h5.h5')
  const bytes = readFileSync(join(models, 'lstm-last-k2-h5.h5'))
  // The size of the name "lstm/lstm_cell/recurrent_kernel:0" among those that the file keeps in one place, so that no other begins where the library looks for it.
  bytes[bytes.lastIndexOf('lstm/lstm_cell/recurrent_kernel:0') - 7] ^= 4
  const main = join(t.testdir(), 'model.h5')
  writeFileSync(main, bytes)
  const [round, after] = [readModel({ main, weights: null }, { seconds: 10 }), readModel({ main: good, weights: null }, { seconds: 10 })]
  await t.rejects(round, { code: 'bad_file', message: /"model\.h5" did not come to an end within 1 seconds.*damaged/ })
  t.equal((await after).keras, 2)
  const first = readModel({ main: good, weights: null }, { seconds: 0 })
  const second = readModel({ main: good, weights: null })
  await t.rejects(first, { code: 'bad_file', message: /did not come to an end within 0 seconds/ })
  t.equal((await second).keras, 2)
})

/** In a process that may have 80 descriptors: all are taken, one is given back after each try, until the model can be read. None may be lost on the way. */
const withoutDescriptors = `
  import { closeSync, openSync } from 'node:fs'
  const { readModel } = await import(process.argv[1])
  const [open, said] = [[], []]
  let given = 0
  try { for (;;) open.push(openSync('/dev/null')) } catch {}
  while (open.length > 0 && said.at(-1) !== 2) {
    said.push(await readModel({ main: process.argv[2], weights: null }, { disposable: true }).then(({ keras }) => keras, ({ code, message }) => code + ' ' + message))
    closeSync(open.pop())
    given++
  }
  console.log(JSON.stringify({ said, given: given }))`

t.test('where no process can be started for it, that is not the fault of the file, and the next one is read', { skip: process.platform === 'win32' }, async (t) => {
  const reader = new URL('../../src/registry/read.js', import.meta.url).href
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', 'ulimit -n 80; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', withoutDescriptors, reader, join(models, 'old-plain-k2.13-h5.h5')])
  const { said, given } = JSON.parse(stdout) as { said: unknown[], given: number }
  t.equal(said.pop(), 2)
  t.ok(given > 2 && given < 20, `${given} descriptors are enough`)
  for (const words of said) t.match(words, /^not_ready .*does not start .*EMFILE/)
})

/** Any value of the config put in place of another. */
function * places (value: unknown, path: readonly (string | number)[] = []): Generator<readonly (string | number)[]> {
  yield path
  if (typeof value === 'object' && value !== null) for (const [key, inner] of Object.entries(value)) yield * places(inner, [...path, key])
}

function replaced (value: unknown, [first, ...rest]: readonly (string | number)[], by: unknown): unknown {
  if (first === undefined) return by
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value as unknown[]] : { ...value as object }
  ;(copy as Record<string | number, unknown>)[first] = replaced((value as Record<string | number, unknown>)[first], rest, by)
  return copy
}

t.test('a config with anything in place of anything: a graph or a fault', async () => {
  const { modelTopology: { model_config: config } } = JSON.parse(readFileSync(join(models, 'old-nested-tfjs/model.json'), 'utf8')) as { modelTopology: { model_config: unknown } }
  const current = JSON.parse(readFileSync(join(models, 'old-wrapped-pair-k3.8-json/model.json'), 'utf8')) as unknown
  const all = [config, current].flatMap((whole) => [...places(whole)].map((path) => ({ whole, path })))
  fc.assert(fc.property(fc.constantFrom(...all), fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom<unknown>(-1, 1e300, 'x', 'inner', [], {}, ['inner', 1, 0], [[['inner', 1, 0, {}]]])), fc.constantFrom('1.2.2', '2.15.0', '3.8.0'), ({ whole, path }, by, version) => {
    try {
      const changed = replaced(whole, path, by)
      flatten(new Topology(originOf(changed, [version])).model(changed), new Map())
      return true
    } catch (error) {
      return error instanceof Fault && ['bad_file', 'unsupported_layer'].includes(error.code)
    }
  }), { numRuns: 2000 })
})
