import t from 'tap'
import { encodeMembers } from '../../src/trace/members.ts'

const text = (members: Readonly<Record<string, unknown>>): string => Buffer.from(encodeMembers({ model: 'm' }, members)).toString()

t.test('arrays of float32 are written as such, numbers as float64, in the order given', async (t) => {
  const tenth = { shape: [1, 2], data: Float32Array.of(0.1, 2) }
  t.equal(text({ b: tenth, a: { 2: Math.fround(0.1), __proto__x: [1, [tenth], 'x', null, true] }, gone: undefined, d: Float64Array.of(0.1, 1e300) }),
    '{"model":"m","b":[[0.1,2]],"a":{"2":0.10000000149011612,"__proto__x":[1,[[[0.1,2]]],"x",null,true]},"d":[0.1,1e+300]}')
  t.equal(text({ empty: {}, none: [] }), '{"model":"m","empty":{},"none":[]}')
})

t.test('what is not finite is null, and counted', async (t) => {
  t.same(JSON.parse(text({ a: NaN, b: [Infinity, 1, { c: -Infinity }], d: { shape: [2], data: Float32Array.of(NaN, 1) }, e: Float64Array.of(NaN) })),
    { model: 'm', a: null, b: [null, 1, { c: null }], d: [null, 1], e: [null], nonFinite: 5 })
})
