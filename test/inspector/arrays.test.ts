import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { nested, shapeOf } from '../../src/inspector/input/arrays.ts'
import { readNpy, readNpz } from '../../src/inspector/input/npz.ts'
import { Unreadable, type Takes } from '../../src/inspector/input/reading.ts'

const file = (name: string): Uint8Array => new Uint8Array(readFileSync(`test/inspector/files/${name}`))
const weather: Takes = { id: 'weather', version: 1, inputs: [{ name: 'days', shape: [null, 7, 4], dtype: 'float32' }] }
const two: Takes = { id: 'two', version: 1, inputs: [{ name: 'a', shape: [null, 3], dtype: 'float32' }, { name: 'b', shape: [null, 3], dtype: 'float32' }] }
const days = [Array.from({ length: 7 }, (_, step) => Array.from({ length: 4 }, (_, feature) => (4 * step + feature) / 8))]
const refused = (t: Test, read: () => unknown, words: RegExp): void => { t.throws(read, new Unreadable(''), 'an Unreadable'); t.throws(read, { message: words }) }

t.test('what NumPy wrote is read: C and Fortran order, compressed or not, big-endian too', async (t) => {
  for (const name of ['c-order.npz', 'fortran.npz', 'big-endian.npy']) t.same(readNpz(file(name), weather).inputs, days, name)
  const many: Takes = { id: 'm', version: 1, inputs: ['ids', 'half', 'flag', 'bytes'].map((name) => ({ name, shape: [null, null], dtype: 'float32' })) }
  t.same(readNpz(file('many.npz'), many).inputs, { ids: [[3, 1, 2]], half: [0.5, -2, 2 ** -24], flag: [[true], [false]], bytes: [255, 0] })
})

t.test('what would be a wrong number is refused, with the place', async (t) => {
  refused(t, () => readNpz(file('nan.npz'), weather), /^arr_0\[0, 2, 0\] is NaN/)
  refused(t, () => readNpz(file('words.npz'), weather), /arr_0 holds '<U1'/)
  refused(t, () => readNpz(file('whole.npz'), weather), /1152921504606846977, which is too large/)
  refused(t, () => readNpz(file('many.npz'), weather), /has the arrays ids, half, flag, bytes. This model needs one array/)
  refused(t, () => readNpz(file('c-order.npz'), two), /needs exactly a, b/)
})

t.test('a damaged file is refused wherever the damage is, or gives the same numbers', async (t) => {
  for (const name of ['c-order.npz', 'fortran.npz']) {
    const whole = file(name)
    let told = 0
    for (let at = 0; at < whole.length; at++) {
      const damaged = whole.slice()
      damaged[at] ^= 0x10
      try {
        // Names, dates and the like may be damaged without harm.
        const { inputs } = readNpz(damaged, weather)
        if (JSON.stringify(inputs) !== JSON.stringify(days)) t.fail(`${name}: other numbers with byte ${at} changed`)
      } catch (error) {
        if (!(error instanceof Unreadable)) t.fail(`${name}: byte ${at}: ${String(error)}`)
        told++
      }
    }
    t.ok(told > 150, `${told} of ${whole.length} told`)
    for (const length of [0, 5, 21, 100, whole.length - 1]) refused(t, () => readNpz(whole.slice(0, length), weather), /npz|damaged|checksum/)
  }
})

t.test('an npy of any shape and order becomes the same nested lists', async (t) => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), fc.boolean(), fc.infiniteStream(fc.float({ noNaN: true, noDefaultInfinity: true })), (shape, fortran, numbers) => {
    const count = shape.reduce((a, b) => a * b, 1)
    const values = Array.from({ length: count }, () => numbers.next().value as number)
    const header = `{'descr': '<f4', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape.join(', ')},), }\n`
    const bytes = new Uint8Array(10 + header.length + 4 * count)
    bytes.set([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length, 0, ...Buffer.from(header)])
    const view = new DataView(bytes.buffer, 10 + header.length)
    for (const [n, value] of values.entries()) view.setFloat32(4 * n, value, true)
    const lists = nested(readNpy(bytes, 'x'), 'x')
    t.same(shapeOf(lists), shape)
    // The number at a place stands where its order says.
    const place = shape.map((size) => Math.floor(size / 2))
    const at = fortran ? place.reduceRight((sum, n, axis) => sum * shape[axis] + n, 0) : place.reduce((sum, n, axis) => sum * shape[axis] + n, 0)
    return Object.is(place.reduce<any>((list, n) => list[n], lists), values[at])
  }), { numRuns: 100 })
})

t.test('sizes of lists that have no shape are not guessed', async (t) => {
  t.equal(shapeOf([[1, 2], [3]]), null)
  t.equal(shapeOf([[1, 2], 3]), null)
  t.same(shapeOf([[[1, 2]], [[3, 4]]]), [2, 1, 2])
})
