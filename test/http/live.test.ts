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
  const worst = Math.max(...waits)
  t.ok(worst < 250, `the slowest took ${worst.toFixed(0)} ms`)
})
