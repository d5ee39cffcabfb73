import t from 'tap'
import { fromValues, plainOps, toValues } from '../../src/ops/plain/ops.ts'
import { windowFindings } from './goldens.ts'
import { known } from './known.ts'
import { distance, plain, values } from './subject.ts'

const ops = plainOps()

t.test('worked by hand', async (t) => {
  for (const { name, inputs, computation, expected } of known) t.equal(distance(plain.run(computation, inputs.map(values)), values(expected)), 0, name)
})

t.test('convolutions and pools are TensorFlow\'s', async (t) => {
  for (const { what, far, bound } of windowFindings(plain)) t.ok(far <= bound, `${what}: ${far}`)
})

t.test('nothing is rounded to float32 on the way', async (t) => {
  const x = fromValues({ shape: [1], data: Float32Array.of(1) })
  t.equal(ops.add(x, 2 ** -40).data[0], 1 + 2 ** -40)
  t.equal(toValues(ops.add(x, 2 ** -40)).data[0], 1)
})

t.test('erf to the last digits', async (t) => {
  // C's erf, as Python's math.erf gives it.
  const reference = [
    [1e-300, 1.1283791670955126e-300], [1e-10, 1.1283791670955126e-10], [0.1, 0.1124629160182849], [0.5, 0.5204998778130465], [1, 0.8427007929497149],
    [1.5, 0.9661051464753108], [2, 0.9953222650189527], [2.5, 0.999593047982555], [2.9999, 0.9999778955735178], [3, 0.9999779095030014],
    [3.0001, 0.9999779234241298], [3.5, 0.9999992569016276], [4, 0.9999999845827421], [5, 0.9999999999984626], [5.9, 0.9999999999999999], [6, 1], [7, 1]
  ]
  for (const [x, y] of reference) {
    const [positive, negative] = ops.unary('erf', { shape: [2], data: Float64Array.of(x, -x) }).data
    t.ok(Math.abs(positive - y) <= 4e-15 * y, `erf(${x}) is ${positive}`)
    t.equal(negative, -positive, `erf(-${x})`)
  }
  t.strictSame([...ops.unary('erf', { shape: [4], data: Float64Array.of(0, NaN, Infinity, -Infinity) }).data], [0, NaN, 1, -1])
})

t.test('large numbers do not overflow on the way', async (t) => {
  const x = { shape: [4], data: Float64Array.of(-1000, -40, 40, 1000) }
  t.strictSame([...ops.unary('sigmoid', x).data], [0, Math.exp(-40), 1 / (1 + Math.exp(-40)), 1])
  t.strictSame([...ops.unary('softplus', x).data], [0, Math.exp(-40), 40 + Math.exp(-40), 1000])
  t.strictSame([...ops.softmax(x, 0).data], [0, 0, 0, 1])
})

t.test('what does not fit is refused', async (t) => {
  const [two, three] = [ops.constant(new Float32Array(4), [2, 2]), ops.constant(new Float32Array(3), [3])]
  for (const call of [
    () => ops.add(two, three), () => ops.matmul(two, ops.constant(new Float32Array(6), [3, 2])), () => ops.concat([two, ops.expandDims(three, 0)], 0),
    () => ops.reshape(two, [3, -1]), () => ops.reshape(two, [0, 0, 0]), () => ops.squeeze(two, 0), () => ops.slice(two, 2, 0), () => ops.broadcastLike(two, three),
    () => ops.broadcastLike(two, ops.constant(new Float32Array(2), [2, 1])), () => ops.gather(three, ops.constant(Float32Array.of(3), [1]), 0),
    () => ops.gather(three, ops.constant(Float32Array.of(-1), [1]), 0), () => ops.gather(three, ops.constant(Float32Array.of(NaN), [1]), 0),
    () => ops.scan(() => ({ results: [], states: [] }), [ops.constant(new Float32Array(0), [0, 2])], [])
  ]) t.throws(call, { name: 'RangeError' }, String(call))
})
