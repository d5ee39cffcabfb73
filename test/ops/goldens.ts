import { readFileSync } from 'node:fs'
import type { ConvOptions, PoolOptions } from '../../src/ops/ops.ts'
import type { Values } from '../../src/model.ts'
import { activation } from '../../src/ops/activations.ts'
import { distance, values, type Subject } from './subject.ts'

// Compiled tests run from dist, the recorded values stay beside their sources.
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../../test/ops/${name}`, import.meta.url), 'utf8'))

type Nested = readonly (readonly (number | string)[])[]
interface Activations { readonly version: string, readonly entries: readonly { readonly activation: unknown, readonly y: Nested }[] }
const activations = read('activations.golden.json') as { readonly x: Nested, readonly 2: Activations, readonly 3: Activations }

/** JSON has no infinity: it is written as a word. */
const numbers = (nested: Nested): Values => values(nested.map((row) => row.map((value) => value === 'inf' ? Infinity : value === '-inf' ? -Infinity : value === 'nan' ? NaN : value)))

/** `bound`: 0 where the very same numbers are expected. */
export interface Finding { readonly what: string, readonly far: number, readonly bound: number }

/** Each activation of real Keras, as its files hold it, against what Keras gave; in float32, unless the subject is the float64 one. */
export function activationFindings ({ name, run }: Subject): Finding[] {
  const x = numbers(activations.x)
  return ([2, 3] as const).flatMap((keras) => activations[keras].entries.map((entry) => ({
    what: `Keras ${activations[keras].version} ${JSON.stringify(entry.activation)}`,
    bound: 1e-6,
    far: distance(run((ops, [x]) => activation(ops, entry.activation, keras)(x), [x]), numbers(entry.y), name === 'plain' && entry.activation !== 'glu' ? x : undefined)
  })))
}

type Recorded = { readonly x: Flat, readonly y: Flat } & (
  { readonly op: 'conv' | 'depthwiseConv', readonly kernel: Flat } & ConvOptions |
  { readonly op: 'pool', readonly kind: 'max' | 'mean' } & PoolOptions)
interface Flat { readonly shape: readonly number[], readonly data: readonly number[] }

const dense = ({ shape, data }: Flat): Values => ({ shape, data: Float32Array.from(data) })

/** Each convolution and pool that TensorFlow did, against what it gave. */
export function windowFindings ({ run }: Subject): Finding[] {
  return (read('windows.golden.json') as Recorded[]).map((recorded) => {
    const { x, y, ...options } = recorded
    const got = recorded.op === 'pool'
      ? run((ops, [image]) => ops.pool(recorded.kind, image, recorded), [dense(x)])
      : run((ops, [image, kernel]) => ops[recorded.op](image, kernel, recorded), [dense(x), dense(recorded.kernel)])
    // Whole numbers are exact; a mean is divided in one way or another.
    const bound = recorded.op === 'pool' && recorded.kind === 'mean' ? 1e-6 : 0
    return { what: JSON.stringify({ ...options, kernel: undefined, x: x.shape }), bound, far: distance(got, dense(y)) }
  })
}

/** Names held against Keras, of functions and of layers. */
export const recordedActivations = (keras: 2 | 3): string[] => activations[keras].entries.map(({ activation }) =>
  typeof activation === 'string' ? activation : (activation as { class_name: string }).class_name)
