import t from 'tap'
import { call, inProject, serve } from './support.ts'

const { url } = await serve(t, inProject('models'))

t.test('/health/live answers while extractions run, one after the other', async (t) => {
  const body = { model: 'chars', inputs: { text: Array.from({ length: 300 }, (_, n) => `sequence ${n} of many`) }, steps: 'last' }
  const until = performance.now() + 1500
  let running = true
  const extractions = (async () => {
    while (performance.now() < until) t.equal((await call(`${url}/hidden-states`, body)).status, 200)
  })().finally(() => { running = false })
  const waits: number[] = []
  const isRunning = (): boolean => running
  while (isRunning()) {
    const asked = performance.now()
    await call(`${url}/health/live`)
    waits.push(performance.now() - asked)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await extractions
  t.ok(waits.length > 20, `${waits.length} answers in the meantime`)
  // Not the slowest of all: that one says when the machine did something else.
  const slow = waits.sort((a, b) => a - b)[Math.floor(0.9 * waits.length)]
  t.ok(slow < 250, `nine of ten took less than ${slow.toFixed(0)} ms`)
})
