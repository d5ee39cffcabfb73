import t from 'tap'
import { call, inProject, serve } from './support.ts'

const { url } = await serve(t, inProject('models'))

t.test('/health/live answers while long extractions run', async (t) => {
  const body = { model: 'chars', inputs: { text: Array.from({ length: 1000 }, (_, n) => `sequence ${n} of a thousand`) }, steps: 'last' }
  const running = new Set([1, 2, 3, 4, 5, 6])
  const extractions = Promise.all([...running].map(async (one) => {
    const { status } = await call(`${url}/hidden-states`, body)
    running.delete(one)
    return status
  }))
  const waits: number[] = []
  while (running.size > 0) {
    const asked = performance.now()
    await call(`${url}/health/live`)
    waits.push(performance.now() - asked)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.same(await extractions, Array.from({ length: 6 }, () => 200))
  t.ok(waits.length > 10, `${waits.length} answers in the meantime`)
  const worst = Math.max(...waits)
  t.ok(worst < 250, `the slowest took ${worst.toFixed(0)} ms`)
})
