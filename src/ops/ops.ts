/**
 * The op contract: all that a layer or a cell may ask of an engine. `T` is the engine's own handle of a tensor.
 *
 * Rules. A layer never reads the batch or the step axis as a number (a compiled graph would bake it in): `shape` is for feature
 * axes and the rank; `reshape` takes 0 for 'as the input has it at this place' and -1 for 'what is left'. Elementwise ops broadcast
 * as NumPy does. Masks are boolean handles: made by comparisons, combined by `and`/`or`/`not`, used by `where` and `cast`. Numbers may
 * stand for either operand of a binary op. Negative axes count from the end. Arithmetic, `reduce` (but `any` and `all`) and `softmax` make
 * floats of whole numbers and masks. What does not fit together throws.
 */
export interface Ops<T> {
  constant (data: Float32Array, shape: readonly number[]): T
  /** Sizes; an engine that builds graphs gives -1 for batch and step. */
  shape (x: T): readonly number[]
  /** To 'float', 'int' (towards zero) or 'bool' (not equal 0). */
  cast (x: T, to: 'float' | 'int' | 'bool'): T

  add (a: T | number, b: T | number): T
  sub (a: T | number, b: T | number): T
  mul (a: T | number, b: T | number): T
  div (a: T | number, b: T | number): T
  pow (a: T | number, b: T | number): T
  minimum (a: T | number, b: T | number): T
  maximum (a: T | number, b: T | number): T
  unary (name: Unary, x: T): T

  compare (name: 'equal' | 'notEqual' | 'less' | 'lessEqual' | 'greater' | 'greaterEqual', a: T | number, b: T | number): T
  and (a: T, b: T): T
  or (a: T, b: T): T
  not (a: T): T
  where (mask: T, yes: T | number, no: T | number): T

  /** Batched over the leading axes; a rank-2 `b` serves every one of them. */
  matmul (a: T, b: T, transposeA?: boolean, transposeB?: boolean): T
  /** `axes` undefined: all. For booleans `any` and `all`. */
  reduce (name: 'sum' | 'mean' | 'max' | 'min' | 'prod' | 'any' | 'all', x: T, axes?: readonly number[], keepDims?: boolean): T
  /** exp(x - max) / sum, along `axis`. */
  softmax (x: T, axis: number): T

  /** x `[batch, row, column, channel]`, kernel `[row, column, channel / groups, filter]`. */
  conv (x: T, kernel: T, options: ConvOptions): T
  /** kernel `[row, column, channel, multiplier]` -> channels times multiplier. */
  depthwiseConv (x: T, kernel: T, options: ConvOptions): T
  /** x `[batch, row, column, channel]`; 'same' averages leave the padding out of the count. */
  pool (kind: 'max' | 'mean', x: T, options: PoolOptions): T

  reshape (x: T, shape: readonly number[]): T
  /** Leading axis of x apart into the first two axes of `like`: `[batch * step, ...]` -> `[batch, step, ...]`. */
  splitFirst (x: T, like: T): T
  transpose (x: T, order: readonly number[]): T
  concat (xs: readonly T[], axis: number): T
  /** `[from, to)` along one axis; negative from the end; `to` undefined: to the end. */
  slice (x: T, axis: number, from: number, to?: number): T
  /** Entries of x along `axis` at whole-number `indices` (any rank), whose axes take its place; throws where one is not in the axis. */
  gather (x: T, indices: T, axis: number): T
  pad (x: T, pairs: readonly (readonly [number, number])[], value: number): T
  reverse (x: T, axis: number): T
  /** Each entry along `axis` n times over, neighbours together (as NumPy's repeat). */
  repeat (x: T, axis: number, n: number): T
  expandDims (x: T, axis: number): T
  squeeze (x: T, axis: number): T
  /** A tensor of x's shape filled with `value`. */
  fill (x: T, value: number): T
  broadcastLike (x: T, like: T): T
  /** `[0, 1, ..., n-1]` as floats, n the size of x along `axis`. */
  range (x: T, axis: number): T

  /**
   * The loop over steps, the only one. `sequences` are step-major `[step, batch, ...]`; the body gets one step of each and the states, and
   * gives one step of each result and the next states. Results are stacked step-major, in input order even when `reverse` reads
   * from the last step to the first. There is at least one step.
   */
  scan (body: (step: T[], states: T[]) => Scanned<T>, sequences: readonly T[], states: readonly T[], reverse?: boolean): Scanned<T>

  /**
   * What one kernel of the engine does for a whole LSTM with tanh and sigmoid; undefined where the engine has none.
   * x `[step, batch, feature]` in reading order, unmasked; hidden and cell `[batch, unit]`; kernel `[feature + unit, 4 * unit]`, Keras'
   * kernel above its recurrent kernel; bias `[4 * unit]`, zeros where there is none.
   */
  fusedLstm?: (x: T, hidden: T, cell: T, kernel: T, bias: T) => FusedLstm<T>

  /**
   * What one kernel does for the recurrence of a cell, whatever its activations: `hidden` after every step, `[step, batch, unit]` in input
   * time; undefined for a cell, or an activation, that the kernel does not know. At masked steps the state carries over.
   */
  fusedHidden?: (cell: FusedCell<T>) => T | undefined

  /** Of an op set that writes formulas down: an activation kept as one call by its name, in place of the ops that `apply` makes of it. */
  named?: (name: string, x: T, apply: (x: T) => T) => T
}

/** A cell in Keras' own layout: kernel `[feature, gate * unit]`, blocks i,f,c,o or z,r,h. */
export interface FusedCell<T> {
  readonly kind: 'lstm' | 'gru'
  /** `[step, batch, feature]` */
  readonly x: T
  /** `[step, batch]`, or null. */
  readonly mask: T | null
  readonly reverse: boolean
  /** The gates of every step are wanted as well: where a loop gives both sooner, the kernel declines. */
  readonly withGates: boolean
  readonly initial: readonly T[]
  readonly kernel: T
  readonly recurrentKernel: T
  /** Of the input and of the recurrent product, `[gate * unit]`. */
  readonly biases: readonly [T | undefined, T | undefined]
  readonly activation: unknown
  readonly recurrentActivation: unknown
  readonly resetAfter: boolean
  readonly keras: 1 | 2 | 3
}

/** What a loop, or one step of it, gives. */
export type Scanned<T> = { results: T[], states: T[] }

export type Unary = 'neg' | 'abs' | 'square' | 'sqrt' | 'rsqrt' | 'exp' | 'log' | 'log1p' | 'expm1' | 'tanh' | 'sigmoid' | 'relu' | 'erf' |
  'floor' | 'sign' | 'softplus'

export interface ConvOptions {
  readonly strides: readonly [number, number]
  readonly padding: 'valid' | 'same'
  readonly dilation: readonly [number, number]
  readonly groups?: number
}

export interface PoolOptions {
  readonly size: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly padding: 'valid' | 'same'
}

/** All `[step, batch, unit]`, after activation. */
export interface FusedLstm<T> { readonly input: T, readonly forget: T, readonly candidate: T, readonly output: T, readonly cell: T, readonly hidden: T }
