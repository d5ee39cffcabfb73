import { layout, type Other, type RowWriter } from './float32-rows.ts'
import { fillRecords, record } from './float32-records.ts'
import { assemble } from './wasm-text.ts'

/**
 * The row writer as WebAssembly, to the same bytes as `writeFloat32`: four floats at a time in vectors of 128 bits, without a branch on the
 * data that could be guessed wrongly. What depends on the sign, the exponent and the decade alone comes from a record (float32-records.ts).
 *
 * All whole numbers that come into question share all digits but the last with the whole part of the interval's upper end, because no multiple
 * of ten is among them, or is the one that is taken. So the digits are made from that end, by multiplications, before the choice is known, and
 * only the last one is set by it. One shuffle brings them to their places between sign, zeros and point; the text ends with the last digit
 * that is not 0. What doubles cannot tell, subnormals and non-finite numbers are left to `other`.
 */

const repeat = (lanes: number, n: number): string => Array(lanes).fill(n).join(' ')
const all32 = (n: number): string => `(v128.const i32x4 ${repeat(4, n)})`
const all16 = (n: number): string => `(v128.const i16x8 ${repeat(8, n)})`
const lanes32 = (...from: number[]): string => from.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)).join(' ')
const lanes16 = (...from: number[]): string => from.flatMap((lane) => [2 * lane, 2 * lane + 1]).join(' ')
/** Of 32.32 bits in two vectors: the fractions and the whole numbers. */
const fractions = (name: string): string => `(i8x16.shuffle ${lanes32(0, 2, 4, 6)} (local.get $${name}0) (local.get $${name}2))`
const wholes = (name: string): string => `(i8x16.shuffle ${lanes32(1, 3, 5, 7)} (local.get $${name}0) (local.get $${name}2))`
const secondHalf = (name: string): string => `(i8x16.shuffle ${lanes32(2, 3, 2, 3)} (local.get $${name}) (local.get $${name}))`
const inRecord = (load: string, at: number, n: number): string => `(${load} offset=${layout.records + at} (local.get $record${n}))`

/** Float n's record: 128 bytes on for each sign and exponent, and 64 if its bits are above the boundary. */
const find = (n: number): string => `
        (local.set $bits (i32.load offset=${4 * n} (local.get $from)))
        (local.set $record${n} (i32.and (i32.shr_u (local.get $bits) (i32.const 16)) (i32.const 0xff80)))
        (local.set $record${n} (i32.add (local.get $record${n}) (i32.and
          (i32.shr_u (i32.sub ${inRecord('i32.load', record.boundary, n)} (local.get $bits)) (i32.const 25))
          (i32.const 64))))`

/** For floats n and n + 1, in units, in 32.32 bits: the ends of the interval, and the value and a half. 2^52 makes a double of parts a whole number. */
const scale = (n: number, mantissas: string): string => `
        (local.set $a ${inRecord('v128.load', record.width, n)})
        (local.set $b ${inRecord('v128.load', record.width, n + 1)})
        (local.set $value (i64x2.shl
          (f64x2.add
            (f64x2.mul (f64x2.convert_low_i32x4_s ${mantissas}) (i8x16.shuffle ${lanes32(0, 1, 4, 5)} (local.get $a) (local.get $b)))
            (v128.const i64x2 0x4330000000000000 0x4330000000000000))
          (i32.const 12)))
        (local.set $half (i8x16.shuffle ${lanes32(2, 3, 6, 7)} (local.get $a) (local.get $b)))
        (local.set $high${n} (i64x2.add (local.get $value) (local.get $half)))
        (local.set $low${n} (i64x2.sub (local.get $value) (local.get $half)))
        (local.set $middle${n} (i64x2.add (local.get $value) (v128.const i64x2 0x80000000 0x80000000)))`

/** Two lanes of two digits in 16 bits to a byte a digit: tens + 256 * (n - 10 * tens). */
const digitsOf = (name: string): string => `
            (local.set $tens (i16x8.shr_u (i16x8.mul (local.get $${name}) ${all16(103)}) (i32.const 10)))
            (local.set $${name} (i16x8.sub (i16x8.shl (local.get $${name}) (i32.const 8)) (i16x8.mul (local.get $tens) ${all16(2559)})))`

/** Float n's text and what follows it; 32 is in the length that the record has. */
const write = (n: number, digits: string): string => `
            (local.set $a (i8x16.swizzle ${digits} ${inRecord('v128.load', record.from, n)}))
            (v128.store (local.get $at) (v128.or (local.get $a) ${inRecord('v128.load', record.text, n)}))
            (local.set $tail ${inRecord('i64.load', record.tail, n)})
            (local.set $at (i32.sub (local.get $at) (i32.clz (i32.or
              (i8x16.bitmask (i8x16.gt_s (local.get $a) ${all32(0)}))
              ${inRecord('i32.load', record.least, n)}))))
            (i64.store offset=32 (local.get $at) (local.get $tail))
            (local.set $at (i32.add (local.get $at) (i32.wrap_i64 (i64.shr_u (local.get $tail) (i64.const 56)))))`

const writeOther = (n: number): string => `
          (local.set $at (call $other (i32.load offset=${4 * n} (local.get $from)) (local.get $at)))
          (i32.store8 (local.get $at) (i32.const 44))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))`

/** The texts of the four, as many as are left of the row. */
const whileLeft = (text: (n: number) => string): string => [0, 1, 2, 3].map(text).reduce((texts, next, n) => `${texts}
          (br_if $written (i32.lt_u (local.get $left) (i32.const ${n + 1})))${next}`)

const source = `
(module
  (import "e" "memory" (memory ${layout.pages}))
  (import "e" "other" (func $other (param $bits i32) (param $at i32) (result i32)))

  (func $rows (export "rows") (param $from i32) (param $at i32) (param $size i32) (param $count i32) (result i32)
    (local $left i32) (local $bits i32) (local $record0 i32) (local $record1 i32) (local $record2 i32) (local $record3 i32)
    (local $a v128) (local $b v128) (local $half v128) (local $value v128) (local $mantissas v128)
    (local $high0 v128) (local $low0 v128) (local $middle0 v128) (local $high2 v128) (local $low2 v128) (local $middle2 v128)
    (local $top v128) (local $fours v128) (local $upper v128) (local $lower v128) (local $tens v128) (local $last v128)
    (local $digits0 v128) (local $digits2 v128) (local $tail i64)
    (loop $row
      (local.set $left (local.get $size))
      (loop $four
        ${[0, 1, 2, 3].map(find).join('')}
        (local.set $mantissas (v128.or (v128.and (v128.load (local.get $from)) ${all32(0x7fffff)}) ${all32(0x800000)}))
        ${scale(0, '(local.get $mantissas)')}
        ${scale(2, secondHalf('mantissas'))}
        (block $written
          (block $rare
            ;; An end or the middle within a part (2^-20) of a whole number: that is more than the error of the product and its rounding.
            (br_if $rare (i32x4.bitmask (i32x4.sub
              (i32x4.min_u
                (i32x4.min_u (i32x4.abs ${fractions('high')}) (i32x4.abs ${fractions('low')}))
                (i32x4.abs ${fractions('middle')}))
              ${all32(4096)})))

            ;; The top end is less than 167,772,160. Its last eight digits, four in each 16 bits; the one before them can only be 1.
            (local.set $top ${wholes('high')})
            (local.set $fours (i8x16.shuffle ${lanes32(0, 2, 4, 6)}
              (i64x2.shr_u (i64x2.extmul_low_i32x4_u (local.get $top) ${all32(0xD1B71759)}) (i32.const 45))
              (i64x2.shr_u (i64x2.extmul_high_i32x4_u (local.get $top) ${all32(0xD1B71759)}) (i32.const 45))))
            (local.set $fours (i32x4.sub (i32x4.shl (local.get $top) (i32.const 16)) (i32x4.mul (local.get $fours) ${all32(10000 * 65536 - 1)})))
            (local.set $fours (i16x8.min_u (local.get $fours) (i16x8.sub (local.get $fours) ${all16(10000)})))
            ;; Two and two: 20971 / 2^21 is a little less than 1 / 100, and enough so for the rounding to 1/64 before the shift.
            (local.set $upper (i16x8.shr_u (i16x8.q15mulr_sat_s (local.get $fours) ${all16(20971)}) (i32.const 6)))
            (local.set $lower (i16x8.sub (local.get $fours) (i16x8.mul (local.get $upper) ${all16(100)})))
            ${digitsOf('upper')}
            ${digitsOf('lower')}

            ;; The last digit becomes 0 if that multiple of ten is above the lower end, else that of the nearest whole number.
            (local.set $last (i32x4.shr_u (local.get $lower) (i32.const 24)))
            (local.set $lower (i32x4.sub (local.get $lower) (i32x4.shl
              (i32x4.min_u
                (local.get $last)
                (v128.or
                  (i32x4.sub (local.get $top) ${wholes('middle')})
                  (i32x4.gt_s (i32x4.sub (local.get $top) ${wholes('low')}) (local.get $last))))
              (i32.const 24))))
            (local.set $digits0 (i8x16.shuffle ${lanes16(0, 8, 1, 9, 2, 10, 3, 11)} (local.get $upper) (local.get $lower)))
            (local.set $digits2 (i8x16.shuffle ${lanes16(4, 12, 5, 13, 6, 14, 7, 15)} (local.get $upper) (local.get $lower)))
            ${whileLeft((n) => write(n, n % 2 === 0 ? `(local.get $digits${n})` : secondHalf(`digits${n - 1}`)))}
            (br $written))
          ${whileLeft(writeOther)})
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (local.set $left (i32.sub (local.get $left) (i32.const 4)))
        (br_if $four (i32.gt_s (local.get $left) (i32.const 0))))
      ;; The last four were some too many. After the row "],[", which the next row or the caller writes over where nothing follows.
      (local.set $from (i32.add (local.get $from) (i32.shl (local.get $left) (i32.const 2))))
      (i32.store (i32.sub (local.get $at) (i32.const 1)) (i32.const 0x5b2c5d))
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $row (local.get $count)))
    (i32.sub (local.get $at) (i32.const 3))))
`

// TypeScript's own library declares these only together with a browser's document.
interface Compiler {
  Memory: new (size: { initial: number, maximum: number }) => { buffer: ArrayBuffer }
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: { rows: RowWriter['rows'] } }
}

/** The compiled writer; throws where WebAssembly, or its vectors, are missing or forbidden. */
export function compiledRows (other: Other): RowWriter {
  const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: Compiler }).WebAssembly
  const memory = new Memory({ initial: layout.pages, maximum: layout.pages })
  const { exports } = new Instance(new Module(assemble(source)), { e: { memory, other } })
  fillRecords(memory.buffer)
  return { buffer: memory.buffer, rows: exports.rows }
}
