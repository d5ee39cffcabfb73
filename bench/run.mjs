// npm run bench: statescope beside its rivals, all in one run, rounds interleaved; the ratios are the result. Writes docs/benchmarks.md.
// Needs bench/rivals/setup.sh once, and a built service (npm run build).

import autocannon from 'autocannon'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const project = dirname(here)
const rivals = join(here, 'rivals')
const python = process.env.BENCH_PYTHON ?? join(rivals, '.venv', 'bin', 'python')
if (!existsSync(join(rivals, 'models', 'lstm.h5'))) {
  console.error('The rivals are not set up: run bench/rivals/setup.sh once.')
  process.exit(1)
}
const [rounds, seconds] = [Number(process.env.BENCH_ROUNDS ?? 3), Number(process.env.BENCH_SECONDS ?? 4)]
const [steps, features, connections] = [40, 60, 8]

const env = { ...process.env, CUDA_VISIBLE_DEVICES: '-1', TF_CPP_MIN_LOG_LEVEL: '3' }
const uvicorn = (app, port) => ({ command: python, args: ['-m', 'uvicorn', `${app}:app`, '--port', String(port), '--log-level', 'error'], cwd: rivals })
const servers = [
  { name: 'statescope', port: 18101, command: process.execPath, args: ['dist/src/cli.js'], cwd: project, env: { MODELS_DIR: join(rivals, 'models'), PORT: '18101', LOG_LEVEL: 'error' }, model: 'lstm' },
  { name: 'rival 1, Keras predict and NumPy', port: 18102, ...uvicorn('predict_loop', 18102) },
  { name: 'rival 2, fused and orjson', port: 18103, ...uvicorn('fused_orjson', 18103) }
]

const children = servers.map(({ command, args, cwd, env: own }) => spawn(command, args, { cwd, env: { ...env, ...own }, stdio: ['ignore', 'ignore', 'inherit'] }))
process.on('exit', () => children.forEach((child) => child.kill()))

const random = (count) => Array.from({ length: count }, () => Math.fround(Math.random() * 2 - 1))
const batch = (size) => Array.from({ length: size }, () => Array.from({ length: steps }, () => random(features)))

await Promise.all(servers.map(up))
const rows = []
for (const size of [1, 32]) {
  const inputs = batch(size)
  for (const path of ['/predict', '/hidden-states']) {
    const rates = servers.map(() => [])
    const shares = servers.map(() => ({}))
    for (let round = 0; round <= rounds; round++) {
      for (const [n, server] of servers.entries()) {
        const result = await load(server, path, inputs)
        // The first round warms up.
        if (round > 0) rates[n].push(result.requests.total / result.duration)
        shares[n] = { p50: result.latency.p50, p99: result.latency.p99, megabytes: result.throughput.total / Math.max(1, result.requests.total) / 2 ** 20 }
        if (result.non2xx + result.errors > 0) throw new Error(`${server.name} ${path}: ${result.non2xx + result.errors} requests failed`)
      }
    }
    const medians = rates.map(median)
    servers.forEach(({ name }, n) => {
      const row = { path, size, name, rate: medians[n], spread: Math.max(...rates[n]) - Math.min(...rates[n]), ratio: medians[0] / medians[n], ...shares[n] }
      rows.push(row)
      console.log(row)
    })
  }
}
write(rows)
process.exit(0)

async function up ({ name, port, model }) {
  const body = JSON.stringify({ model, inputs: batch(1) })
  for (const end = Date.now() + 120_000; Date.now() < end;) {
    const answer = await fetch(`http://127.0.0.1:${port}/predict`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).catch(() => null)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  throw new Error(`${name} does not answer`)
}

function load ({ port, model }, path, inputs) {
  return autocannon({
    url: `http://127.0.0.1:${port}${path}`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(model === undefined ? { inputs } : { model, inputs }),
    connections,
    duration: seconds,
    timeout: 60
  })
}

function median (values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

function write (all) {
  const lines = [
    '# Benchmarks',
    '',
    `Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.version}. An LSTM of 128 units over ${features} features and ${steps} steps, a Dense of 10 on top;`,
    `JSON in and out, ${connections} connections, medians of ${rounds} interleaved rounds of ${seconds} s, the client on the same cores. The ratios are the result: the rates go with the machine.`,
    'Rival 1 is Keras `predict` with a NumPy loop for the gates under FastAPI; rival 2 a `tf.function` around BlockLSTMV2 with orjson on NumPy arrays under FastAPI.',
    '',
    '| request | batch | server | requests/s | spread | p50 ms | p99 ms | MiB an answer | statescope is |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...all.map(({ path, size, name, rate, spread, ratio, p50, p99, megabytes }) =>
      rate === 0
        ? `| ${path} | ${size} | ${name} | no answer in ${seconds} s | | | | | |`
        : `| ${path} | ${size} | ${name} | ${rate.toFixed(1)} | ${spread.toFixed(1)} | ${p50} | ${p99} | ${megabytes.toFixed(2)} | ${name === 'statescope' ? '' : `${ratio.toFixed(1)}x`} |`)
  ]
  mkdirSync(join(project, 'docs'), { recursive: true })
  writeFileSync(join(project, 'docs', 'benchmarks.md'), `${lines.join('\n')}\n`)
}
