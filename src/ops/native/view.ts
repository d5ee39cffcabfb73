import { rangeOf, sizeOf } from '../shape.ts'

/** A stretch of floats that a program reads or writes. */
export interface Store {
  readonly size: number
  /** Known when the program is written: a weight, a number. */
  readonly constant?: Float32Array
  /** Which input of the program it is. */
  readonly input?: number
  /** The loop whose body makes it anew at every step. */
  readonly loop?: object
  /** A part of it, or another order of it, is read: it has to lie as it was made. */
  parted: boolean
  /** Where it lies in place of a stretch of its own: one step of what a loop gives. */
  placed?: View
}

/** A tensor: how its entries lie in a store. Sizes are all known. Booleans are 0 and 1. */
export interface View {
  readonly store: Store
  readonly type: 'float' | 'bool'
  readonly shape: readonly number[]
  /** In floats; 0 along an axis where all entries are the same one. */
  readonly strides: readonly number[]
  readonly offset: number
  /** In a loop's body: how far the next step is. */
  readonly step: number
}

/** What a program cannot do: another engine has to. */
export class Unsupported extends Error {}

/** Strides of a tensor whose entries lie one after the other, the last axis first. */
export function packedStrides (shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]
  }
  return strides
}

/** A new store's whole. */
export function whole (store: Store, shape: readonly number[], type: View['type'] = 'float'): View {
  return { store, type, shape, strides: packedStrides(shape), offset: 0, step: 0 }
}

/** Do its entries lie one after the other, in order? */
export function packed ({ shape, strides }: View): boolean {
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== stride) return false
    stride *= shape[axis]
  }
  return true
}

/** Do both show the same entries of one store? */
export const alike = (a: View, b: View): boolean => a === b || (a.store === b.store && a.offset === b.offset && a.step === b.step && a.shape.join() === b.shape.join() && a.strides.join() === b.strides.join())

/** The same floats seen otherwise. */
export function seen (x: View, parts: Partial<Pick<View, 'shape' | 'strides' | 'offset' | 'step' | 'type'>>): View {
  x.store.parted = true
  return { ...x, ...parts }
}

/** Another type for the same entries, which lie as they did. */
export const typed = (x: View, type: View['type']): View => x.type === type ? x : { ...x, type }

export function sliced (x: View, axis: number, from: number, to: number | undefined): View {
  const { begin, length } = rangeOf(x.shape[axis], from, to)
  return seen(x, { shape: x.shape.with(axis, length), offset: x.offset + begin * x.strides[axis] })
}

/** Repeated along new or single axes, without a copy. */
export function broadcast (x: View, shape: readonly number[]): View {
  if (shape.length === x.shape.length && shape.every((size, n) => size === x.shape[n])) return x
  const ahead = shape.length - x.shape.length
  return seen(x, { shape, strides: shape.map((size, n) => n < ahead || (x.shape[n - ahead] === 1 && size !== 1) ? 0 : x.strides[n - ahead]) })
}

/** The numbers of a constant, in order. */
export function numbersOf ({ store: { constant }, shape, strides, offset }: View): Float32Array {
  const values = new Float32Array(sizeOf(shape))
  const places = packedStrides(shape)
  for (let n = 0; n < values.length; n++) {
    let at = offset
    for (let axis = 0; axis < shape.length; axis++) at += (Math.floor(n / places[axis]) % shape[axis]) * strides[axis]
    values[n] = constant![at]
  }
  return values
}

/** Where in its array a matrix lies. */
export const layout = ({ offset, shape, strides }: View): string => `${offset} ${shape.join()} ${strides.join()}`
