import { spawn, type ChildProcess } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { help } from '../src/config.ts'
import { openapiYaml } from '../src/app.ts'
import { call, inProject } from './http/support.ts'

interface Run { readonly process: ChildProcess, readonly out: () => string, readonly err: () => string, readonly code: Promise<number | null> }

function statescope (args: string[], env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, [inProject('dist/src/cli.js'), ...args], { env: { ...process.env, PORT: '0', LOG_LEVEL: 'warn', ...env }, cwd: inProject('') })
  let [out, err] = ['', '']
  child.stdout.on('data', (data) => { out += String(data) })
  child.stderr.on('data', (data) => { err += String(data) })
  return { process: child, out: () => out, err: () => err, code: once(child, 'close').then(([code]) => code as number | null) }
}

/** The address of a service, once its banner is there. */
async function started (run: Run): Promise<string> {
  while (!/^models/m.test(run.out())) {
    if (run.process.exitCode !== null) throw new Error(run.err())
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return /http:\/\/\S+/.exec(run.out())![0]
}

t.test('help and the document go to standard output', async (t) => {
  const [helped, documented] = [statescope(['--help']), statescope(['--openapi'])]
  t.equal(await helped.code, 0)
  t.equal(helped.out(), help())
  t.equal(await documented.code, 0)
  t.equal(documented.out(), await openapiYaml())
})

t.test('what keeps it from starting is one clear line', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => { taken.close() })
  const { port } = taken.address() as AddressInfo
  const refused: [args: string[], line: RegExp][] = [
    [['--port', String(port)], new RegExp(`^statescope: port ${port} of 127\\.0\\.0\\.1 is taken: .*--port.*\\n$`)],
    [['--models-dir', '/no/such/folder'], /^statescope: there is no folder \/no\/such\/folder: .*MODELS_DIR.*\n$/],
    [['no-such.h5'], /^statescope: there is no file no-such\.h5\n$/],
    [['--prot', '1'], /^statescope: There is no flag --prot\. .*\n$/],
    [['--port', 'x'], /^statescope: PORT must be .*\n$/]
  ]
  for (const [args, line] of refused) {
    const run = statescope(args)
    t.equal(await run.code, 1, args.join(' '))
    t.match(run.err(), line)
    t.equal(run.out(), '')
  }
})

t.test('the banner says where it is, what computes, which models there are and what to try', async (t) => {
  const run = statescope([], { MODELS_DIR: inProject('models') })
  const url = await started(run)
  t.teardown(() => { run.process.kill('SIGKILL') })
  const { body: ready } = await call(`${url}/health/ready`)
  t.match(run.out(), `${url}/docs`)
  const { name, version } = ready.reference
  t.match(run.out(), name === 'tfjs' ? `tfjs ${version}, TensorFlow ${ready.tensorflow}` : `wasm ${version}`)
  if (ready.engine === 'onnx') t.match(run.out(), `onnx (compiled plans on onnxruntime ${ready.engineVersion})`)
  t.equal(/^!{20}/m.test(run.out()), ready.warning !== undefined, 'a slower engine is said loudly')
  for (const model of ready.models) t.match(run.out(), new RegExp(`${model.id} +version ${model.version} +${model.status}`))
  const [, sample, probe] = /try\n {2}curl -s (\S+) \| curl -s (\S+) /.exec(run.out())!
  t.equal((await call(probe, (await call(sample)).body)).status, 200)

  const longTexts = { model: 'chars', inputs: { text: Array.from({ length: 500 }, (_, n) => `sequence ${n}`) }, steps: 'last' }
  const underWay = call(`${url}/hidden-states`, longTexts)
  await new Promise((resolve) => setTimeout(resolve, 50))
  run.process.kill('SIGTERM')
  t.match(await underWay, { status: 200, body: { batch: 500 } }, 'what is under way is answered')
  t.equal(await run.code, 0)
})

t.test('one model file is served too', async (t) => {
  const file = join(t.testdir({}), 'my.h5')
  copyFileSync(inProject('models/weather/model.h5'), file)
  const run = statescope([file])
  const url = await started(run)
  t.teardown(() => { run.process.kill('SIGKILL') })
  t.match((await call(`${url}/models`)).body, { models: [{ id: 'my', status: 'ready' }] })
})
