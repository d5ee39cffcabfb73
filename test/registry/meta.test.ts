import t from 'tap'
import { readMeta } from '../../src/registry/meta.ts'

const text = { alphabet: ['a', 'b'], encoding: 'ids' }
const read = async (t: { testdir: (files: Record<string, string>) => string }, meta: unknown): ReturnType<typeof readMeta> =>
  await readMeta(`${t.testdir({ 'statescope.json': JSON.stringify(meta) })}/statescope.json`)

t.test('all of a text coding but its alphabet and encoding may be left out', async (t) => {
  t.same((await read(t, { text })).text, text)
  t.same((await read(t, { text: { ...text, maxlen: 3 } })).text, { ...text, maxlen: 3 })
})

t.test('what is wrong is named', async (t) => {
  await t.rejects(read(t, { text: { ...text, maxlen: 0 } }), { code: 'bad_file', message: /\/text\/maxlen/ })
  await t.rejects(read(t, { text: { encoding: 'ids' } }), { code: 'bad_file', message: /\/text/ })
  await t.rejects(read(t, { text: { ...text, encoding: 'hot' } }), { code: 'bad_file', message: /\/text\/encoding must be "one-hot" or "ids"/ })
  await t.rejects(read(t, { outputLabels: { rain: ['mm', 1] } }), { code: 'bad_file', message: /\/outputLabels\/rain\/1 must be string/ }, 'in the place that is meant')
  await t.rejects(read(t, []), { code: 'bad_file', message: /the whole must be object/ })
})
