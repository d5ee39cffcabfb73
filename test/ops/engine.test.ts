import t from 'tap'
import { Worker } from 'node:worker_threads'

const file = new URL('../../src/ops/engine.js', import.meta.url).href

interface Report { name: string, version: string, tensorflow: string | null, reason?: string, backend: string, product: number[], logs: string }

/** Loads an engine in a worker, as the service does, and multiplies two matrices with it. */
async function inWorker (wanted: string): Promise<Report> {
  const worker = new Worker(`
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(file)}).then(async ({ loadEngine }) => {
      const { tf, ...about } = await loadEngine(${JSON.stringify(wanted)})
      const product = tf.matMul(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[5, 6], [7, 8]])).dataSync()
      // Through tfjs-node's own util calls, which newer Nodes miss.
      const { values } = tf.topk(tf.tensor1d([3, 1, 2]), 2)
      parentPort.postMessage({ ...about, backend: tf.getBackend(), product: [...product, ...values.dataSync()] })
    })`, { eval: true, stderr: true })
  let logs = ''
  worker.stderr.on('data', chunk => { logs += String(chunk) })
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', report => resolve({ ...report, logs }))
      worker.once('error', reject)
    })
  } finally {
    await worker.terminate()
  }
}

// Before the tests, which begin at once: no two threads may start the first engine of a process.
const native = (await inWorker('auto')).name === 'tfjs'

t.test('wasm computes in a worker, and says why it serves', async t => {
  const report = await inWorker('wasm')
  t.match(report, { name: 'wasm', backend: 'wasm', version: '4.22.0', tensorflow: null, reason: /ENGINE=wasm/ })
  t.same(report.product, [19, 22, 43, 50, 3, 2])
})

t.test('auto computes with what is there', async t => {
  const report = await inWorker('auto')
  t.same(report.product, [19, 22, 43, 50, 3, 2])
  if (report.name === 'wasm') t.match(report.reason, /\w/, 'wasm comes with a reason')
  else t.notOk(report.reason)
})

t.test('tfjs computes natively in a worker, twice over', { skip: native ? false : 'no native engine is set up' }, async t => {
  for (const time of ['first', 'second']) {
    const report = await inWorker('tfjs')
    t.match(report, { name: 'tfjs', backend: 'tensorflow', version: '4.22.0', tensorflow: /^2\.\d+\.\d+$/ }, time)
    t.same(report.product, [19, 22, 43, 50, 3, 2])
    t.equal(report.logs, '', 'without a warning')
  }
})
