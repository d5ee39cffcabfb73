import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { call, inProject } from './http/support.ts'

interface Run { readonly id: number, readonly kill: (signal: NodeJS.Signals) => void, readonly err: () => string, readonly code: Promise<number | null> }

function supervised (args: string[]): Run {
  const env = { ...process.env, LOG_LEVEL: 'fatal', WORKERS: '1', MODELS_DIR: inProject('models'), SUPERVISE: 'true' }
  const child = spawn(process.execPath, [inProject('dist/src/cli.js'), ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let err = ''
  child.stderr.on('data', (data) => { err += String(data) })
  t.teardown(() => { child.kill('SIGKILL') })
  return { id: child.pid!, kill: (signal) => { child.kill(signal) }, err: () => err, code: once(child, 'exit').then(([code]) => code as number | null) }
}

const serviceOf = ({ id }: Run): number => Number(readFileSync(`/proc/${id}/task/${id}/children`, 'utf8').trim().split(' ')[0])

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

t.test('the service is started again when it dies, with its models, and ends when it is told to', { skip: process.platform !== 'linux' && 'looks into /proc' }, async (t) => {
  const port = await freePort()
  const run = supervised(['--port', String(port)])
  const up = async (): Promise<void> => {
    while (!await call(`http://127.0.0.1:${port}/health/ready`).then(({ status }) => status === 200, () => false)) await wait(50)
  }
  await up()
  const first = serviceOf(run)
  process.kill(first, 'SIGSEGV')
  while (!/ended by itself \(SIGSEGV\)/.test(run.err())) await wait(20)
  await up()
  const second = serviceOf(run)
  t.not(second, first)
  t.match((await call(`http://127.0.0.1:${port}/models`)).body.models.find(({ id }: { id: string }) => id === 'weather'), { status: 'ready' })
  run.kill('SIGTERM')
  t.equal(await run.code, 0)
  t.throws(() => process.kill(second, 0), 'the service has ended too')
})

t.test('what cannot start is not tried again', async (t) => {
  const run = supervised(['--models-dir', '/no/such/folder'])
  t.equal(await run.code, 1)
  t.match(run.err(), /^statescope: there is no folder [^\n]*\n$/)
})
