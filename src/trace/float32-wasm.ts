import { layout, type Other, type RowWriter } from './float32-rows.ts'
import { halfGaps, scales, tenWithin, wholes } from './float32.ts'
import { assemble } from './wasm-text.ts'

/**
 * `writeFloat32` for a row of floats as WebAssembly: the same choice of digits from the same tables, so the same bytes, but without a
 * branch that the processor could guess wrongly in common data: every number's nine digits are stored, three at a time, and the end is set
 * back over the trailing zeros. What is rare (non-finite, -0, subnormal, too near a decimal to tell) is left to `other`.
 */

const source = `
(module
  (import "e" "memory" (memory ${layout.pages}))
  (import "e" "other" (func $other (param $bits i32) (param $at i32) (result i32)))

  ;; The floats from one address to another, at least one, each with a comma after it; returns where the text ends.
  (func $row (export "row") (param $from i32) (param $to i32) (param $at i32) (result i32)
    (local $bits i32) (local $e i32) (local $scale i32) (local $s i64) (local $half i64) (local $high i64) (local $low i64)
    (local $top i32) (local $bottom i32) (local $step i32) (local $width i32) (local $six i32) (local $thousands i32) (local $group i32)
    (local $three i32) (local $first i32) (local $second i32) (local $third i32) (local $whole i32) (local $rest i64) (local $count i32) (local $power i32) (local $tens i32)
    (loop $next
      (local.set $bits (i32.load (local.get $from)))
      (local.set $e (i32.and (i32.shr_u (local.get $bits) (i32.const 23)) (i32.const 255)))
      (block $written
        (block $rare
          (block $normal
            (br_if $normal (i32.lt_u (i32.sub (local.get $e) (i32.const 1)) (i32.const 254)))
            (br_if $rare (i32.ne (local.get $bits) (i32.const 0)))
            (i32.store8 (local.get $at) (i32.const 48))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $written))

          ;; The interval of the reals that this float stands for, scaled to nine digits before the point.
          (local.set $scale (i32.shl
            (i32.add
              (i32.shl (local.get $e) (i32.const 1))
              (i32.ge_u
                (i32.and (local.get $bits) (i32.const 0x7fffffff))
                (i32.load offset=${layout.tenWithin} (i32.shl (local.get $e) (i32.const 2)))))
            (i32.const 5)))
          ;; In parts of 2^-22; 2^52 makes the double a whole number, its bits that number.
          (local.set $s (i64.sub
            (i64.reinterpret_f64 (f64.add
              (f64.mul
                (f64.abs (f64.promote_f32 (f32.load (local.get $from))))
                (f64.load offset=${layout.scales} (local.get $scale)))
              (f64.const 4503599627370496)))
            (i64.const 0x4330000000000000)))
          (local.set $half (i64.load offset=${layout.scales + 8} (local.get $scale)))
          (local.set $high (i64.add (local.get $s) (local.get $half)))
          ;; Below a power of two the floats lie twice as close.
          (block $power
            (br_if $power (i32.and (local.get $bits) (i32.const 0x7fffff)))
            (local.set $half (i64.shr_u (local.get $half) (i64.const 1))))
          (local.set $low (i64.sub (local.get $s) (local.get $half)))
          (local.set $top (i32.wrap_i64 (i64.shr_u (local.get $high) (i64.const 22))))
          (local.set $bottom (i32.wrap_i64 (i64.shr_u (local.get $low) (i64.const 22))))
          ;; An end within 8 parts of a whole number: they cannot tell.
          (br_if $rare (i32.lt_u (i32.and (i32.add (i32.wrap_i64 (local.get $high)) (i32.const 8)) (i32.const 0x3fffff)) (i32.const 16)))
          (br_if $rare (i32.lt_u (i32.and (i32.add (i32.wrap_i64 (local.get $low)) (i32.const 8)) (i32.const 0x3fffff)) (i32.const 16)))

          ;; The top's last three digits; unless the interval has a multiple of 1000, all in it share the six digits before them.
          (local.set $six (i32.wrap_i64 (i64.shr_u (i64.mul (i64.extend_i32_u (local.get $top)) (i64.const 274877907)) (i64.const 38))))
          (local.set $thousands (i32.mul (local.get $six) (i32.const 1000)))
          (local.set $width (i32.sub (local.get $top) (local.get $bottom)))
          (local.set $top (i32.sub (local.get $top) (local.get $thousands)))
          (local.set $bottom (i32.sub (local.get $bottom) (local.get $thousands)))
          ;; The most trailing zeros that a number in the interval has, three at the most: is the top's remainder by 1000, 100, 10 less
          ;; than the way to the bottom's whole part?
          (local.set $group (i32.shl (local.get $top) (i32.const 3)))
          (local.set $step (i32.shl
            (i32.add
              (i32.add
                (i32.lt_u (local.get $top) (local.get $width))
                (i32.lt_u (i32.load8_u offset=${layout.groups + 4} (local.get $group)) (local.get $width)))
              (i32.lt_u (i32.load8_u offset=${layout.groups + 5} (local.get $group)) (local.get $width)))
            (i32.const 5)))
          ;; The nearest multiple; three zeros have the factor 0.
          (local.set $three (i32.mul
            (i32.shr_u
              (i32.mul
                (i32.sub
                  (i32.wrap_i64 (i64.shr_u (i64.add (local.get $s) (i64.load offset=${layout.steps} (local.get $step))) (i64.const 22)))
                  (local.get $thousands))
                (i32.load offset=${layout.steps + 8} (local.get $step)))
              (i32.const 20))
            (i32.load offset=${layout.steps + 16} (local.get $step))))
          ;; It can lie outside only below a power of two, where the interval is not symmetric; then it is the next one.
          (block $inside
            (br_if $inside (i32.lt_u (i32.sub (i32.sub (local.get $three) (local.get $bottom)) (i32.const 1)) (local.get $width)))
            (local.set $three (i32.add
              (local.get $three)
              (i32.mul
                (i32.load offset=${layout.steps + 16} (local.get $step))
                (i32.sub (i32.le_s (local.get $three) (local.get $bottom)) (i32.gt_s (local.get $three) (local.get $top)))))))

          ;; Three digits at a time from a table. The first three are 1000 for the next power of ten.
          (local.set $group (i32.wrap_i64 (i64.shr_u (i64.mul (i64.extend_i32_u (local.get $six)) (i64.const 4294968)) (i64.const 32))))
          (local.set $whole (i32.add
            (i32.load offset=${layout.scales + 16} (local.get $scale))
            (i32.load8_u offset=${layout.groups + 6} (i32.shl (local.get $group) (i32.const 3)))))
          (local.set $second (i32.load offset=${layout.groups}
            (i32.shl (i32.sub (local.get $six) (i32.mul (local.get $group) (i32.const 1000))) (i32.const 3))))
          (local.set $first (i32.load offset=${layout.groups} (i32.shl (local.get $group) (i32.const 3))))
          (local.set $third (i32.load offset=${layout.groups} (i32.shl (local.get $three) (i32.const 3))))
          (local.set $count (i32.shr_u (local.get $third) (i32.const 24)))
          (block $counted
            (br_if $counted (local.get $three))
            (local.set $count (i32.sub (i32.shr_u (local.get $second) (i32.const 24)) (i32.const 3)))
            (br_if $counted (i32.ne (local.get $count) (i32.const 3)))
            (local.set $count (i32.sub (i32.shr_u (local.get $first) (i32.const 24)) (i32.const 6))))

          (i32.store8 (local.get $at) (i32.const 45))
          (local.set $at (i32.add (local.get $at) (i32.shr_u (local.get $bits) (i32.const 31))))
          (block $large
            (br_if $large (i32.gt_u (i32.add (local.get $whole) (i32.const 2)) (i32.const 2)))
            ;; 0.00 and the digits
            (i32.store (local.get $at) (i32.const 0x30302e30))
            (local.set $at (i32.add (i32.sub (local.get $at) (local.get $whole)) (i32.const 2)))
            (i32.store (local.get $at) (local.get $first))
            (i32.store offset=3 (local.get $at) (local.get $second))
            (i32.store offset=6 (local.get $at) (local.get $third))
            (local.set $at (i32.add (local.get $at) (local.get $count)))
            (br $written))
          ;; All after the first digit.
          (local.set $rest (i64.or
            (i64.or
              (i64.extend_i32_u (i32.and (i32.shr_u (local.get $first) (i32.const 8)) (i32.const 0xffff)))
              (i64.shl (i64.extend_i32_u (i32.and (local.get $second) (i32.const 0xffffff))) (i64.const 16)))
            (i64.shl (i64.extend_i32_u (local.get $third)) (i64.const 40))))
          (i32.store8 (local.get $at) (local.get $first))
          (block $exponent
            (br_if $exponent (i32.gt_u (i32.sub (local.get $whole) (i32.const 1)) (i32.const 8)))
            ;; The digits, then once more those after the point, one place further.
            (i64.store offset=1 (local.get $at) (local.get $rest))
            (local.set $power (i32.add (local.get $at) (local.get $whole)))
            (block $point
              (br_if $point (i32.gt_s (local.get $count) (local.get $whole)))
              (local.set $at (local.get $power))
              (br $written))
            (i32.store8 (local.get $power) (i32.const 46))
            (i64.store offset=1 (local.get $power)
              (i64.shr_u (local.get $rest) (i64.extend_i32_u (i32.shl (i32.sub (local.get $whole) (i32.const 1)) (i32.const 3)))))
            (local.set $at (i32.add (i32.add (local.get $at) (local.get $count)) (i32.const 1)))
            (br $written))
          ;; With an exponent: the point only where digits follow it.
          (i32.store8 offset=1 (local.get $at) (i32.const 46))
          (i64.store offset=2 (local.get $at) (local.get $rest))
          (local.set $at (i32.add (i32.add (local.get $at) (local.get $count)) (i32.gt_u (local.get $count) (i32.const 1))))
          (i32.store8 (local.get $at) (i32.const 101))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $power (i32.sub (local.get $whole) (i32.const 1)))
          (block $positive
            (br_if $positive (i32.gt_s (local.get $power) (i32.const 0)))
            (i32.store8 (local.get $at) (i32.const 45))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $power (i32.sub (i32.const 0) (local.get $power))))
          (local.set $tens (i32.shr_u (i32.mul (local.get $power) (i32.const 103)) (i32.const 10)))
          (i32.store8 (local.get $at) (i32.add (local.get $tens) (i32.const 48)))
          (local.set $at (i32.add (local.get $at) (i32.ne (local.get $tens) (i32.const 0))))
          (i32.store8 (local.get $at) (i32.add (i32.sub (local.get $power) (i32.mul (local.get $tens) (i32.const 10))) (i32.const 48)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $written))
        (local.set $at (call $other (local.get $bits) (local.get $at))))
      (i32.store8 (local.get $at) (i32.const 44))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $from (i32.add (local.get $from) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $to))))
    (local.get $at)))
`

// TypeScript's own library declares these only together with a browser's document.
interface Compiler {
  Memory: new (size: { initial: number, maximum: number }) => { buffer: ArrayBuffer }
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: { row: RowWriter['row'] } }
}

/** The compiled writer; throws where WebAssembly is missing or forbidden. */
export function compiledRows (other: Other): RowWriter {
  const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: Compiler }).WebAssembly
  const memory = new Memory({ initial: layout.pages, maximum: layout.pages })
  const { buffer } = memory
  const floats = new Float32Array(buffer, layout.tenWithin, tenWithin.length)
  const bits = new Uint32Array(buffer, layout.tenWithin, tenWithin.length)
  for (const [e, ten] of tenWithin.entries()) {
    floats[e] = ten
    if (floats[e] < ten) bits[e]++
  }
  const view = new DataView(buffer)
  for (let n = 2; n < scales.length; n++) {
    const at = layout.scales + 32 * n
    view.setFloat64(at, scales[n], true)
    view.setBigInt64(at + 8, BigInt(halfGaps[n]), true)
    view.setInt32(at + 16, wholes[n], true)
  }
  for (let zeros = 0; zeros <= 3; zeros++) {
    const at = layout.steps + 32 * zeros
    const step = 10 ** zeros
    view.setBigInt64(at, BigInt(step * 2 ** 21), true)
    view.setInt32(at + 8, zeros === 3 ? 0 : Math.ceil(2 ** 20 / step), true)
    view.setInt32(at + 16, step, true)
  }
  const text = new Uint8Array(buffer)
  for (let n = 0; n <= 1000; n++) {
    const at = layout.groups + 8 * n
    const digits = n === 1000 ? '100' : String(n).padStart(3, '0')
    text.set([...Buffer.from(digits), 6 + digits.replace(/0+$/, '').length, n % 100, n % 10, n === 1000 ? 1 : 0], at)
  }
  const { exports } = new Instance(new Module(assemble(source)), { e: { memory, other } })
  return { buffer, row: exports.row }
}
