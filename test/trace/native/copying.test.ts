import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { inOne, inTwo, type Copying } from '../../../src/trace/native/copying.ts'

const ways = new Map<string, Copying>([['in two passes', inTwo()]])
const one = inOne()
if (one !== null) ways.set('in one pass', one)

t.test('it is there where the processor can', async (t) => {
  const { flags = '' } = /^flags\s*:(?<flags>.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.groups ?? {}
  t.equal(one !== null, ['avx512f', 'avx512vl', 'vpclmulqdq'].every((flag) => flags.split(' ').includes(flag)))
})

t.test('copies, and sums as zlib does, for any size, place and sum before', async () => {
  const size = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 5000 }), fc.constantFrom(255, 256, 257, 511, 512, 513, 1024, 70000))
  for (const [name, copy] of ways) {
    fc.assert(fc.property(size, fc.nat({ max: 70 }), fc.nat({ max: 70 }), fc.nat({ max: 2 ** 32 - 1 }), fc.nat(), fc.boolean(), (size, from, to, sum, seed, shared) => {
      const bytes = new Uint8Array(size + from)
      let state = seed
      for (let n = 0; n < bytes.length; n++) bytes[n] = (state = Math.imul(state, 1103515245) + 12345) >>> 16
      const given = bytes.subarray(from)
      const memory = new Uint8Array(shared ? new SharedArrayBuffer(size + to + 70) : new ArrayBuffer(size + to + 70)).fill(7)
      const found = copy(given, memory.subarray(to, to + size), sum)
      // Of nothing zlib's sum is 0, whatever came before.
      return found === (size === 0 ? sum : crc32(given, sum)) && Buffer.compare(memory.subarray(to, to + size), given) === 0 && memory.every((byte, n) => (n >= to && n < to + size) || byte === 7)
    }), { numRuns: name === 'in one pass' ? 3000 : 300 })
  }
})

t.test('parts make the whole', async (t) => {
  const bytes = Uint8Array.from({ length: 10_000 }, (_, n) => n * n >> 3)
  for (const [name, copy] of ways) {
    const to = new Uint8Array(bytes.length)
    let sum = 0
    for (let at = 0; at < bytes.length; at += 777) sum = copy(bytes.subarray(at, at + 777), to.subarray(at, at + 777), sum)
    t.equal(sum, crc32(bytes), name)
    t.same(to, bytes, name)
  }
})

t.test('more than there is room for is refused', async (t) => {
  for (const [name, copy] of ways) t.throws(() => copy(new Uint8Array(3), new Uint8Array(2), 0), name)
})
