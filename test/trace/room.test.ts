import t from 'tap'
import { giveBack, room } from '../../src/trace/room.ts'

const memoryOf = (view: Uint8Array): SharedArrayBuffer => view.buffer as SharedArrayBuffer

t.test('memory is used again once it is given back, and never by two at a time', async (t) => {
  const first = room(100_000)
  t.ok(first.length >= 100_000)
  const second = room(100_000)
  t.not(second.buffer, first.buffer)
  giveBack([memoryOf(first)])
  t.equal(room(90_000).buffer, first.buffer, 'a little less fits too')
  t.not(room(90_000).buffer, first.buffer, 'it is taken')
  giveBack([memoryOf(second)])
  t.not(room(20_000).buffer, second.buffer, 'much less does not: it would hold what a larger answer needs')
  t.not(room(100_001).buffer, second.buffer, 'more does not')
  t.equal(room(100_000).buffer, second.buffer)
})

t.test('the smallest that fits is taken', async (t) => {
  const [large, small] = [room(300_000), room(200_000)]
  giveBack([memoryOf(large), memoryOf(small)])
  t.equal(room(150_000).buffer, small.buffer)
  t.equal(room(150_000).buffer, large.buffer)
})

t.test('small answers have memory of their own, which moves between threads', async (t) => t.ok(room(1000).buffer instanceof ArrayBuffer))

t.test('not more than 64 MiB are kept; the oldest go', async (t) => {
  const all = Array.from({ length: 5 }, () => room(2 ** 24))
  giveBack(all.map(memoryOf))
  const again = Array.from({ length: 5 }, () => room(2 ** 24).buffer)
  t.notOk(again.includes(all[0].buffer))
  for (const { buffer } of all.slice(1)) t.ok(again.includes(buffer))
})
