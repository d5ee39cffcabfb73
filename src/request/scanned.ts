/**
 * A regular nested list of numbers that was read straight from the bytes of a body (scan.ts). It stands in the parsed body where the list stood and means the
 * same: every axis has at least one entry, and every number is finite as float32.
 */
export class ScannedList {
  readonly shape: readonly number[]
  /** Row-major, rounded to float32, in an array of their own. */
  readonly singles: Float32Array
  /** The same before it was rounded, bit for bit what JSON.parse gives; kept by nobody, as few need it. */
  readonly doubles: () => Float64Array

  constructor (shape: readonly number[], singles: Float32Array, doubles: () => Float64Array) {
    this.shape = shape
    this.singles = singles
    this.doubles = doubles
  }

  /** The only entry of a list. */
  wrapped (): ScannedList {
    return new ScannedList([1, ...this.shape], this.singles, this.doubles)
  }

  /** As JSON.parse gives it, for whoever has to say what is wrong with it. */
  lists (): unknown[] {
    let entries: unknown[] = [...this.doubles()]
    for (let axis = this.shape.length - 1; axis > 0; axis--) {
      const size = this.shape[axis]
      entries = Array.from({ length: entries.length / size }, (_, n) => entries.slice(n * size, (n + 1) * size))
    }
    return entries
  }
}
