import fc from 'fast-check'
import t from 'tap'
import { chooseSteps, takeSteps } from '../../src/run/steps.ts'

t.test('chosen steps', async (t) => {
  t.equal(chooseSteps('all', 5), null)
  t.same(chooseSteps([0, -1, 2], 5), [0, 4, 2])
  t.same(chooseSteps({ from: 1 }, 5), [1, 2, 3, 4])
  t.same(chooseSteps({ to: -1, every: 2 }, 5), [0, 2])
  t.same(chooseSteps({ from: -2, to: 100 }, 5), [3, 4])
  t.throws(() => chooseSteps([5], 5), { code: 'invalid_value', pointer: '/steps/0', message: /5 steps, 0 to 4/ })
  t.throws(() => chooseSteps([0, -6], 5), { code: 'invalid_value', pointer: '/steps/1' })
  t.throws(() => chooseSteps({ from: 3, to: 3 }, 5), { code: 'invalid_value', message: /none/ })
})

t.test('taken along any axis', async () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), fc.nat(), fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), (shape, axisSeed, picks) => {
    const axis = axisSeed % shape.length
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => n)
    const steps = picks.map((pick) => pick % shape[axis])
    const taken = takeSteps({ shape, data }, axis, steps)
    const strides = shape.map((_, n) => shape.slice(n + 1).reduce((a, b) => a * b, 1))
    const expected: number[] = []
    const walk = (depth: number, offset: number): void => {
      if (depth === shape.length) {
        expected.push(data[offset])
        return
      }
      const entries = depth === axis ? steps : Array.from({ length: shape[depth] }, (_, n) => n)
      for (const entry of entries) walk(depth + 1, offset + entry * strides[depth])
    }
    walk(0, 0)
    return JSON.stringify([...taken.data]) === JSON.stringify(expected) && taken.shape[axis] === steps.length
  }), { numRuns: 200 })
})
