import type { Plain } from './plain.ts'
import { broadcast } from './plain-moves.ts'
import { broadcastShape, sizeOf } from './shape.ts'

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
  for (let n = 0, place = 0; place < sizeOf(leading); place++) {
    const [fromA, fromB] = [place * rows * inner, place * inner * columns]
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, n++) {
        let sum = 0
        for (let k = 0; k < inner; k++) {
          sum += first.data[fromA + (transposeA ? k * rows + row : row * inner + k)] *
            second.data[fromB + (transposeB ? column * inner + k : k * columns + column)]
        }
        data[n] = sum
      }
    }
  }
  return { shape: [...leading, rows, columns], data }
}
