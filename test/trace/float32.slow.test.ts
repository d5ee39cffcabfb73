import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { nestedWriter, plainRows } from '../../src/trace/float32-rows.ts'
import { compiledRows } from '../../src/trace/float32-wasm.ts'
import { faultOf } from './decimals.ts'

// npm test -- test/trace/float32.slow.test.ts: a minute or some. FLOATS is how many for the compiled writer; the other does a tenth.

const floats = Number(process.env.FLOATS ?? 1e8)
const length = 1 << 16
const timeout = 3_600_000
t.setTimeout(timeout)

for (const [name, rows, count] of [['compiled', compiledRows, floats], ['plain', plainRows, floats / 10]] as const) {
  t.test(`${count} floats of random bits, ${name}: each reads back as itself, is the shortest and the nearest`, { timeout }, async (t) => {
    const write = nestedWriter(rows)
    const bits = new Uint32Array(length)
    const values = new Float32Array(bits.buffer)
    const text = Buffer.alloc(length * 20)
    // Of period 2^32 - 1: none comes twice. "Xorshift RNGs", G. Marsaglia, 2003.
    let random = 0x2545f491
    const faults: string[] = []
    for (let done = 0; done < count && faults.length === 0; done += length) {
      for (let n = 0; n < length;) {
        random ^= random << 13
        random ^= random >>> 17
        random ^= random << 5
        if ((random & 0x7f800000) !== 0x7f800000) bits[n++] = random
      }
      // tap hears of the time-out, and of a signal.
      await setImmediate()
      let end = 0
      write([length], values, (piece) => {
        text.set(piece, end)
        end += piece.length
      })
      const read = Float32Array.from(JSON.parse(text.toString('latin1', 0, end)) as number[])
      if (!Buffer.from(read.buffer).equals(Buffer.from(bits.buffer))) faults.push('another float')
      let from = 1
      for (const value of values) {
        let to = from
        while (text[to] !== 44 && text[to] !== 93) to++
        const fault = value === 0 ? '' : faultOf(text, from, to, value)
        if (fault !== '') faults.push(`${text.toString('latin1', from, to)} for ${value} ${fault}`)
        from = to + 1
      }
    }
    t.same(faults.slice(0, 10), [])
  })
}
