import type { Plain } from './ops.ts'
import { broadcast } from './moves.ts'
import { broadcastShape, sizeOf } from '../shape.ts'

/** The product of the last two axes, at every place of the leading ones, which broadcast. */
export function matmul (a: Plain, b: Plain, transposeA = false, transposeB = false): Plain {
  const leading = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const [first, second] = [a, b].map((x) => broadcast(x, [...leading, ...x.shape.slice(-2)]))
  const [rowsA, columnsA] = a.shape.slice(-2)
  const [rowsB, columnsB] = b.shape.slice(-2)
  const [rows, inner] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA]
  const [other, columns] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB]
  if (inner !== other) throw new RangeError(`Shapes [${a.shape}] and [${b.shape}] do not multiply`)
  const data = new Float64Array(sizeOf(leading) * rows * columns)
  for (let place = 0; place < sizeOf(leading); place++) {
    const [fromA, fromB, to] = [place * rows * inner, place * inner * columns, place * rows * columns]
    for (let row = 0; row < rows; row++) {
      // Entry after entry of one row of the result, so that memory is read in its own order.
      for (let k = 0; k < inner; k++) {
        const factor = first.data[fromA + (transposeA ? k * rows + row : row * inner + k)]
        const [start, step] = transposeB ? [fromB + k, inner] : [fromB + k * columns, 1]
        addTimes(data, to + row * columns, columns, factor, second.data, start, step)
      }
    }
  }
  return { shape: [...leading, rows, columns], data }
}

/** A function of its own, on typed arrays and numbers alone: V8 compiles it once, where it compiled the whole again for each kind of shapes. */
function addTimes (sums: Float64Array, to: number, count: number, factor: number, x: Float64Array, from: number, step: number): void {
  for (let n = 0; n < count; n++) sums[to + n] += factor * x[from + n * step]
}
