import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { alike, call, inProject, serve } from './support.ts'

// The memory of a sent answer holds a later one. Whoever reads slowly, or goes away, must neither see nor disturb another's answer.
const { url } = await serve(t, inProject('models'))
const { port } = new URL(url)
const agent = new Agent({ keepAlive: true, maxSockets: 24 })
t.teardown(() => agent.destroy())

/** Sequences whose numbers tell them apart; all states and gates of some hundred KiB. */
const body = (n: number): object => ({ model: 'weather', inputs: Array.from({ length: 60 + 10 * (n % 5) }, (_, at) => Array.from({ length: 7 }, (_, step) => [n / 100, at / 100, step / 7, 1])) })
const kinds = 24
const expected = await Promise.all(Array.from({ length: kinds }, async (_, n) => {
  const { status, body: answer } = await call(`${url}/hidden-states`, body(n))
  if (status !== 200) throw new Error(JSON.stringify(answer))
  return answer
}))

type Reader = 'fast' | 'slow' | 'gone'

/** The answer as text; null of a reader that goes away in the middle. */
async function ask (n: number, reader: Reader): Promise<string | null> {
  return await new Promise((resolve, reject) => {
    const asked = request({ port, path: '/hidden-states', method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => {
        parts.push(part)
        if (reader === 'gone') {
          asked.destroy()
          resolve(null)
        } else if (reader === 'slow') {
          answer.pause()
          wait(3).then(() => answer.resume(), reject)
        }
      })
      answer.on('end', () => resolve(Buffer.concat(parts).toString()))
      answer.on('error', (error) => { if (reader !== 'gone') reject(error) })
    })
    asked.on('error', (error) => { if (reader !== 'gone') reject(error) })
    asked.end(JSON.stringify(body(n)))
  })
}

t.test('answers to many at once, some slow and some gone, are each their own', async (t) => {
  const readers: Reader[] = ['fast', 'slow', 'fast', 'gone', 'fast']
  let next = 0
  let compared = 0
  let bytes = 0
  await Promise.all(Array.from({ length: 24 }, async () => {
    while (next < 600) {
      const at = next++
      const text = await ask(at % kinds, readers[at % readers.length])
      if (text === null) continue
      bytes += text.length
      compared++
      if (!alike({ ...JSON.parse(text), receipt: null }, { ...expected[at % kinds], receipt: null })) t.fail(`answer ${at} is not its own`)
    }
  }))
  t.equal(compared, 480)
  t.ok(bytes / compared > 2 ** 16, `${bytes / compared} bytes an answer: large enough for memory that is used again`)
})
