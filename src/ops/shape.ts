/** Arithmetic of shapes that every op set with known sizes needs. */

/** An axis counted from the front; negative ones count from the end. Throws where the rank has no such axis. */
export function axisOf (rank: number, axis: number): number {
  const found = axis < 0 ? rank + axis : axis
  if (!Number.isInteger(axis) || found < 0 || found >= rank) throw new RangeError(`Axis ${axis} does not exist in a tensor of rank ${rank}`)
  return found
}

/** All axes counted from the front; `undefined` stands for every axis. */
export function axesOf (rank: number, axes: readonly number[] | undefined): number[] {
  return axes === undefined ? Array.from({ length: rank }, (_, n) => n) : axes.map((axis) => axisOf(rank, axis))
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/** The sizes that `reshape` asks for: 0 is what x has at this place, -1 what is left. Throws where the sizes cannot hold x. */
export function reshaped (from: readonly number[], to: readonly number[]): number[] {
  const sizes = to.map((size, n) => {
    if (size !== 0) return size
    if (n >= from.length) throw new RangeError(`Shape [${from}] has no axis ${n} to keep`)
    return from[n]
  })
  const open = sizes.indexOf(-1)
  if (open >= 0) {
    const others = sizes.reduce((product, size, n) => n === open ? product : product * size, 1)
    // No size follows from nothing: 0 / 0 entries could be any number.
    sizes[open] = others === 0 ? NaN : sizeOf(from) / others
  }
  if (!sizes.every((size) => Number.isInteger(size) && size >= 0) || sizeOf(sizes) !== sizeOf(from)) {
    throw new RangeError(`Shape [${from}] cannot become [${to}]`)
  }
  return sizes
}

/** `[from, to)` on an axis of `size` entries, as Python slices: negative from the end, out of range cut off. */
export function rangeOf (size: number, from: number, to: number | undefined): { begin: number, length: number } {
  const at = (place: number): number => Math.min(size, Math.max(0, place < 0 ? size + place : place))
  const begin = at(from)
  return { begin, length: Math.max(0, (to === undefined ? size : at(to)) - begin) }
}

/** NumPy's broadcast of shapes. Throws where two sizes differ and neither is 1. */
export function broadcastShape (...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length))
  return Array.from({ length: rank }, (_, n) => {
    let size = 1
    for (const shape of shapes) {
      const own = shape[shape.length - rank + n] ?? 1
      if (own === 1 || own === size) continue
      if (size !== 1) throw new RangeError(`Shapes ${shapes.map((each) => `[${each}]`).join(' and ')} do not broadcast`)
      size = own
    }
    return size
  })
}
