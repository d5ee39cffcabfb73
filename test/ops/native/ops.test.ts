import fc from 'fast-check'
import t from 'tap'
import type { Values } from '../../../src/model.ts'
import { lower } from '../../../src/ops/native/lower.ts'
import type { Node } from '../../../src/ops/native/nodes.ts'
import { nativeOps } from '../../../src/ops/native/ops.ts'
import { nativeWith, type NativeRuntime } from '../../../src/ops/native/runtime.ts'
import { Unsupported, whole, type View } from '../../../src/ops/native/view.ts'
import type { Ops } from '../../../src/ops/ops.ts'
import { distance, plain, type Computation } from '../subject.ts'
import { trials } from '../trials.ts'

const found = nativeWith(1)
if ('reason' in found) throw new Error(found.reason)
const two = nativeWith(2) as NativeRuntime

/** Writes a computation as a program and runs it. `constant`: inputs that stand in the program itself. */
function run (computation: Computation, inputs: readonly Values[], { native = found as NativeRuntime, constant = [] as readonly number[] } = {}): Values {
  const nodes: Node[] = []
  const ops = nativeOps(nodes)
  const sizes: number[] = []
  const given = inputs.map(({ shape, data }, n): View => constant.includes(n) ? ops.constant(data, shape) : whole({ size: data.length, input: sizes.push(data.length) - 1, parted: false }, shape))
  const value = computation(ops, [...given])
  const output = new Float32Array(value.shape.reduce((a, b) => a * b, 1))
  native.program(lower(nodes, sizes, [value]))(inputs.filter((_, n) => !constant.includes(n)).map(({ data }) => data), [output])
  return { shape: value.shape, data: output }
}

const array = (...shape: number[]): Values => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => Math.sin(n + shape.length)) })

t.test('each op agrees with the referee, or is left to others', async (t) => {
  for (const { name, drawn, bound } of trials) {
    let [held, left] = [0, 0]
    try {
      fc.assert(fc.property(drawn, ({ what, inputs, computation }) => {
        // The second of two matrices has to be known beforehand.
        for (const constant of [[], inputs.length > 1 ? [1] : [0]]) {
          let got: Values
          try {
            got = run(computation, inputs, { constant })
          } catch (error) {
            if (!(error instanceof Unsupported)) throw error
            left++
            continue
          }
          held++
          const far = distance(got, plain.run(computation, inputs))
          if (!(far <= bound)) throw new Error(`${what} is off by ${far}`)
        }
      }), { numRuns: 30, seed: 42 })
      const whole = /conv|pool/i.test(name)
      t.ok(whole ? held === 0 && left > 0 : held > 0, `${name}: ${held} held, ${left} left to others`)
    } catch (error) {
      t.fail(`${name}: ${(error as Error).message.slice(0, 1500)} ${String((error as Error).cause)}`)
    }
  }
})

t.test('products of every size, with every count of rows, columns and threads', async (t) => {
  for (const rows of [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 40]) {
    for (const [inner, columns] of [[1, 1], [3, 5], [16, 32], [7, 33], [60, 130], [33, 257]]) {
      const inputs = [array(rows, inner), array(inner, columns), array(columns)]
      const computation: Computation = (ops, [a, b, bias]) => ops.add(ops.matmul(a, b), bias)
      for (const native of [found as NativeRuntime, two]) {
        const far = distance(run(computation, inputs, { native, constant: [1, 2] }), plain.run(computation, inputs))
        if (!(far <= 5e-6)) t.fail(`[${rows}, ${inner}] x [${inner}, ${columns}] is off by ${far}`)
      }
    }
  }
  t.pass('within 5e-6')
})

/** A cell with products, parts of them, and both its state and others as results. */
const cell: Computation = (ops, [x, h, c, w]) => {
  const { results, states } = ops.scan(([x], [h, c]) => {
    const all = ops.add(x, ops.matmul(h, w))
    const units = ops.shape(h)[1]
    const [gate, candidate] = [0, 1].map((n) => ops.slice(all, -1, n * units, (n + 1) * units))
    const kept = ops.unary('sigmoid', gate)
    const next = ops.add(ops.mul(kept, c), ops.mul(ops.sub(1, kept), ops.unary('tanh', candidate)))
    return { results: [ops.unary('tanh', next), next, kept, candidate, h], states: [ops.unary('tanh', next), next] }
  }, [x], [h, c])
  return ops.concat([...results, ...states.map((state) => ops.expandDims(state, 0))], 0)
}

t.test('loops: forwards and backwards, any count of rows, one thread or two, mean what they mean', async (t) => {
  const backwards: Computation = (ops, [x, h, c, w]) => {
    const { results } = ops.scan(([x, seen], [h]) => {
      const next = ops.where(ops.cast(seen, 'bool'), ops.unary('relu', ops.add(ops.matmul(h, w), x)), h)
      return { results: [next], states: [next] }
    }, [x, ops.reduce('max', x, [-1], true)], [ops.concat([h, c], -1)], true)
    return results[0]
  }
  for (const batch of [1, 2, 5, 8, 13, 40]) {
    for (const [name, computation, matrix] of [['cell', cell, array(3, 6)], ['backwards', backwards, array(6, 6)]] as const) {
      const inputs = [array(7, batch, 6), array(batch, 3), array(batch, 3), matrix]
      for (const native of [found as NativeRuntime, two]) {
        const far = distance(run(computation, inputs, { native, constant: [3] }), plain.run(computation, inputs))
        t.ok(far < 1e-6, `${name}, ${batch} rows: off by ${far}`)
      }
    }
  }
})

t.test('a loop that reads columns of a product of all steps has it made step by step', async (t) => {
  const units = 3
  const gru = (reverse: boolean): Computation => (ops, [x, h, w, u]) => {
    const { results } = ops.scan(([projected], [h]) => {
      const block = (all: typeof h, n: number): typeof h => ops.slice(all, -1, n * units, (n + 1) * units)
      const heard = ops.matmul(h, u)
      const keep = ops.unary('sigmoid', ops.add(block(projected, 1), block(heard, 1)))
      const next = ops.add(ops.mul(keep, h), ops.unary('tanh', ops.add(block(projected, 0), ops.mul(keep, block(heard, 0)))))
      return { results: [next], states: [next] }
    }, [ops.matmul(x, w)], [h], reverse)
    return results[0]
  }
  for (const reverse of [false, true]) {
    for (const batch of [2, 4, 9]) {
      // Small weights: large ones make of a rounding in the first step another last one.
      const small = array(units, 2 * units)
      const inputs = [array(50, batch, 5), array(batch, units), array(5, 2 * units), { ...small, data: small.data.map((value) => value / 8) }]
      for (const native of [found as NativeRuntime, two]) {
        const far = distance(run(gru(reverse), inputs, { native, constant: [2, 3] }), plain.run(gru(reverse), inputs))
        t.ok(far < 1e-6, `${batch} rows, ${reverse ? 'backwards' : 'forwards'}: off by ${far}`)
      }
    }
  }
  const nodes: Node[] = []
  const ops = nativeOps(nodes)
  const input = (n: number, ...shape: number[]): View => whole({ size: array(...shape).data.length, input: n, parted: false }, shape)
  const value = gru(false)(ops, [input(0, 50, 4, 5), input(1, 4, units), ops.constant(array(5, 6).data, [5, 6]), ops.constant(array(units, 6).data, [units, 6])])
  t.ok(lower(nodes, [50 * 4 * 5, 4 * units], [value as View]).scratch < 50 * 4 * 2 * units, 'all steps of it lie nowhere')
})

t.test('what a loop gives where a step is seen, else something else, means that, whoever else reads it', async (t) => {
  const bodies: Record<string, (ops: Ops<unknown>, gate: unknown, h: unknown, seen: unknown, other: unknown) => unknown[]> = {
    'read before': (ops, gate, h, seen) => {
      const next = ops.where(seen, ops.mul(gate, h), h)
      return [next, ops.where(seen, gate, 0)]
    },
    'read afterwards': (ops, gate, h, seen) => {
      const shown = ops.where(seen, gate, 0)
      return [ops.where(seen, ops.mul(gate, h), h), shown, ops.add(gate, 1)]
    },
    'chosen twice': (ops, gate, h, seen, other) => [h, ops.where(seen, gate, 0), ops.where(other, gate, 2)],
    'given as it is, too': (ops, gate, h, seen) => [h, gate, ops.where(seen, gate, 0)],
    'the second choice, too': (ops, gate, h, seen) => [h, ops.where(seen, h, gate), ops.where(seen, gate, h)],
    'what the state becomes': (ops, gate, _, seen) => [gate, ops.where(seen, gate, 0)],
    'the state alone': (ops, gate, _, seen) => [gate, ops.where(seen, gate, 0)],
    'by each number': (ops, gate, h) => [h, ops.where(ops.compare('greater', gate, 0.5), gate, h)]
  }
  for (const [name, body] of Object.entries(bodies)) {
    for (const reverse of [false, true]) {
      const computation: Computation = (ops, [x, h, seen, other]) => {
        const { results } = ops.scan(([x, seen, other], [h]) => {
          const bool = (mask: typeof h): typeof h => ops.cast(mask, 'bool')
          const [next, ...shown] = body(ops as Ops<unknown>, ops.unary('sigmoid', ops.add(x, h)), h, bool(seen), bool(other)) as (typeof h)[]
          return { results: name === 'the state alone' ? shown : [next, ...shown], states: [next] }
        }, [x, seen, other], [h], reverse)
        return ops.concat(results, -1)
      }
      const mask = (batch: number, every: number): Values => ({ shape: [7, batch, 1], data: Float32Array.from({ length: 7 * batch }, (_, n) => n % every === 0 ? 0 : 1) })
      for (const batch of [1, 5, 40]) {
        const inputs = [array(7, batch, 6), array(batch, 6), mask(batch, 3), mask(batch, 4)]
        for (const native of [found as NativeRuntime, two]) {
          const far = distance(run(computation, inputs, { native }), plain.run(computation, inputs))
          t.ok(far < 1e-6, `${name}, ${batch} rows, ${reverse ? 'backwards' : 'forwards'}: off by ${far}`)
        }
      }
    }
  }
})

t.test('what is large enough to be shared among threads: the same bits as by one', async (t) => {
  const units = 64
  const [x, h, large] = [array(30, 100, 2 * units), array(100, units), array(units, 2 * units)]
  // Small weights: large ones make of a rounding in the first step another last one.
  const w = { ...large, data: large.data.map((value) => value / 16) }
  const shared: Record<string, { computation: Computation, inputs: Values[], constant: number[] }> = {
    product: { computation: (ops, [a, b, c]) => ops.add(ops.matmul(a, b), c), inputs: [array(1101, 130), array(130, 140), array(140)], constant: [1, 2] },
    pointwise: { computation: (ops, [a]) => ops.unary('tanh', ops.mul(a, 3)), inputs: [array(1001, 2100)], constant: [] },
    loop: { computation: cell, inputs: [x, h, h, w], constant: [3] }
  }
  for (const [name, { computation, inputs, constant }] of Object.entries(shared)) {
    const [one, both] = [found as NativeRuntime, two].map((native) => run(computation, inputs, { native, constant }))
    t.ok(one.data.every((value, n) => Object.is(value, both.data[n])), name)
    t.ok(distance(one, plain.run(computation, inputs)) < 1e-5, `${name}: and what is meant`)
  }
})

t.test('one run after the other by more threads than there are cores, which sleep now and then: each row once', async (t) => {
  const four = nativeWith(4) as NativeRuntime
  const units = 64
  const large = array(units, 2 * units)
  const w = { ...large, data: large.data.map((value) => value / 16) }
  for (const rows of [2, 3, 33, 65, 130]) {
    // Enough for a second thread.
    const [x, h] = [array(Math.ceil(3000 / rows), rows, 2 * units), array(rows, units)]
    const computation: Computation = (ops, all) => ops.reduce('sum', cell(ops, all), [0])
    const wanted = run(computation, [x, h, h, w], { constant: [3] })
    for (let n = 0; n < 40; n++) {
      const { data } = run(computation, [x, h, h, w], { native: four, constant: [3] })
      if (!data.every((value, k) => Object.is(value, wanted.data[k]))) t.fail(`${rows} rows, run ${n}`)
      if (n % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  t.pass('the same bits')
})

t.test('one sequence alone, its products shared by columns: the same bits as by one thread', async (t) => {
  for (const units of [257, 320]) {
    const large = array(units, 2 * units)
    const [x, h, w] = [array(90, 1, 2 * units), array(1, units), { ...large, data: large.data.map((value) => value / 32) }]
    const wanted = run(cell, [x, h, h, w], { constant: [3] })
    t.ok(distance(wanted, plain.run(cell, [x, h, h, w])) < 1e-5, `${units} units, and what is meant`)
    for (const threads of [2, 3]) {
      const native = nativeWith(threads) as NativeRuntime
      for (let n = 0; n < 30; n++) t.ok(run(cell, [x, h, h, w], { native, constant: [3] }).data.every((value, k) => Object.is(value, wanted.data[k])), `${units} units, ${threads} threads, run ${n}`)
    }
  }
})

t.test('a sequence alone and in company: the very same numbers', async (t) => {
  const units = 37
  const [x, h, w] = [array(6, 19, 2 * units), array(19, units), array(units, 2 * units)]
  const all = run(cell, [x, h, h, w], { constant: [3] })
  const row = (values: Values, n: number): Values => {
    const [steps, batch, size] = values.shape.length === 3 ? values.shape : [1, ...values.shape]
    const data = Float32Array.from({ length: steps * size }, (_, at) => values.data[(Math.floor(at / size) * batch + n) * size + at % size])
    return { shape: values.shape.length === 3 ? [steps, 1, size] : [1, size], data }
  }
  // Results of 2 * units stand beside those of units: as one axis they cannot be joined, so each is looked at by itself.
  const alone = (n: number): Values => run(cell, [row(x, n), row(h, n), row(h, n), w], { constant: [3] })
  for (const n of [0, 7, 18]) t.same(alone(n).data, row(all, n).data, `${n}`)
})

t.test('exp, tanh and sigmoid over all of float32', async (t) => {
  const bits = new Uint32Array(1)
  const float = new Float32Array(bits.buffer)
  const drawn = Float32Array.from({ length: 200_000 }, (_, n) => {
    bits[0] = Math.imul(n, 2654435761)
    return float[0]
  }).filter((value) => !Number.isNaN(value))
  const all = Float32Array.from([drawn, Float32Array.from({ length: 100_000 }, (_, n) => (n - 50_000) / 500), [0, -0, Infinity, -Infinity, 88.7, 88.73, -87.4, -103.5, 1e-40]].flatMap((part) => [...part]))
  const exact = { exp: Math.exp, tanh: Math.tanh, sigmoid: (x: number) => 1 / (1 + Math.exp(-x)) } as const
  for (const [name, f] of Object.entries(exact)) {
    const { data } = run((ops, [x]) => ops.unary(name as 'exp', x), [{ shape: [all.length], data: all }])
    let worst = 0
    for (const [n, x] of all.entries()) {
      const wanted = Math.fround(f(x))
      if (wanted === data[n]) continue
      // In units of the last place; below the smallest normal number, of that one.
      const unit = 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(wanted) || 1e-45))) - 23)
      worst = Math.max(worst, Number.isFinite(wanted) ? Math.abs(data[n] - f(x)) / unit : Infinity)
    }
    t.ok(worst <= 3, `${name}: ${worst.toFixed(2)} units in the last place`)
    t.ok(Number.isNaN(run((ops, [x]) => ops.unary(name as 'exp', x), [{ shape: [1], data: Float32Array.of(NaN) }]).data[0]), `${name} of what is not a number`)
  }
})

t.test('an index that is not in its axis is refused', async (t) => {
  for (const index of [-1, 3, NaN]) {
    t.throws(() => run((ops, [table, index]) => ops.gather(table, index, 0), [array(3, 2), { shape: [1], data: Float32Array.of(index) }]), /index .* of an axis of 3/, `${index}`)
  }
})

t.test('a program that leaves its memory, or arrays of other sizes, are refused', async (t) => {
  const native = found as NativeRuntime
  const nodes: Node[] = []
  const ops = nativeOps(nodes)
  const x = whole({ size: 6, input: 0, parted: false }, [2, 3])
  const sound = lower(nodes, [6], [ops.unary('tanh', x)])
  const program = native.program(sound)
  t.throws(() => { program([new Float32Array(5)], [new Float32Array(6)]) }, /of another size/)
  t.throws(() => { program([new Float32Array(6)], [new Float32Array(7)]) }, /of another size/)
  t.throws(() => { program([], [new Float32Array(6)]) }, /arrays are missing|of another size/)
  let refused = 0
  fc.assert(fc.property(fc.nat(sound.code.length - 1), fc.oneof(fc.integer(), fc.integer({ min: -9, max: 40 })), (at, value) => {
    const code = sound.code.with(at, value)
    try {
      const changed = native.program({ ...sound, code })
      // A loop over the same floats two thousand million times is sound, but long.
      if (Math.abs(value) <= 40) changed([new Float32Array(6)], [new Float32Array(6)])
    } catch {
      refused++
    }
  }), { numRuns: 3000 })
  t.ok(refused > 1000, `${refused} of 3000 changed programs are refused; none ends the process`)
})

t.test('what lies further than instructions can say is left to others, and comes out at no other place', async (t) => {
  const nodes: Node[] = []
  const ops = nativeOps(nodes)
  const far = whole({ size: 2 ** 32 + 10, input: 0, parted: false }, [2 ** 32 + 10])
  t.throws(() => lower(nodes, [2 ** 32 + 10], [ops.unary('tanh', ops.slice(far, 0, 2 ** 32))]), /no memory of so many floats/)
})

t.test('what nobody asks for is not computed', async (t) => {
  const nodes: Node[] = []
  const ops: Ops<View> = nativeOps(nodes)
  const x = whole({ size: 24, input: 0, parted: false }, [4, 2, 3])
  const { results, states } = ops.scan(([x], [h]) => {
    const next = ops.unary('tanh', ops.add(x, h))
    return { results: [next, ops.unary('exp', ops.unary('exp', next))], states: [next] }
  }, [x], [ops.fill(ops.squeeze(ops.slice(x, 0, 0, 1), 0), 0)])
  const size = (value: View): number => lower(nodes, [24], [value]).code.length
  t.ok(size(states[0]) < size(results[1]), 'the last state alone takes less than what is made of all')
})
