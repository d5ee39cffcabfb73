import fc from 'fast-check'
import type tap from 'tap'
import type { Engine } from '../../src/ops/engine.ts'
import { activationFindings, windowFindings } from './goldens.ts'
import { distance, eager, plain } from './subject.ts'
import { trials } from './trials.ts'

/** What every engine must pass. */
export function checkEngine (t: typeof tap, engine: Engine): void {
  const subject = eager(engine)

  t.test('each op agrees with the referee', async (t) => {
    for (const { name, drawn, bound } of trials) {
      try {
        fc.assert(fc.property(drawn, ({ what, inputs, computation }) => {
          const far = distance(subject.run(computation, inputs), plain.run(computation, inputs))
          if (!(far <= bound)) throw new Error(`${what} is off by ${far}`)
        }), { numRuns: 60, seed: 42 })
        t.pass(name)
      } catch (error) {
        t.fail(`${name}: ${(error as Error).message.slice(0, 1500)} ${String((error as Error).cause)}`)
      }
    }
  })

  for (const [what, findings] of [['TensorFlow\'s convolutions and pools', windowFindings(subject)], ['Keras\' activations', activationFindings(subject)]] as const) {
    t.test(what, async (t) => {
      for (const { what, far, bound } of findings) t.ok(far <= bound, `${what}: ${far}`)
    })
  }
}
