import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { flatten, readCases } from '../support/cases.ts'
import { call, inProject, serve } from './support.ts'

/** Of float32 sums computed in two orders, relative to max(1, the largest of the parts). */
const tolerance = 1e-6

const root = t.testdir()
const cases = readCases(inProject('test/goldens/cases')).flatMap((one) => {
  const file = ['keras', 'h5'].map((format) => `${one.id}.${format}`).find((name) => existsSync(inProject(`test/goldens/models/${name}`)))
  if (file === undefined || !/^(act-[01]|bi-(embedding|lstm-gru|merges|own)|cell|cells|convlstm|gru|lstm|mask-(gru|lstm|rnn)|rnn|td-recurrent|time-major)-/.test(one.id)) return []
  copyFileSync(inProject(`test/goldens/models/${file}`), join(root, file))
  return [one]
})
const { url } = await serve(t, root)

const flat = (values: unknown): number[] => [values].flat(Infinity) as number[]

t.test('what a gate hears from its input, from the state before and from its bias adds up to its pre-activation', async (t) => {
  let worst = 0
  let gates = 0
  for (const { id, inputs } of cases) {
    const { status, body } = await call(`${url}/hidden-states`, { model: id, inputs: Object.keys(inputs).length === 1 ? Object.values(inputs)[0] : inputs, tensors: ['preactivations', 'contributions'] })
    t.equal(status, 200, id)
    const found = flatten(body.layers)
    for (const [name, values] of Object.entries(found)) {
      const [, before, gate] = /^(.*)preactivations\/(\w+)$/.exec(name) ?? []
      if (gate === undefined) continue
      const whole = flat(values)
      const parts = ['input', 'recurrent', 'bias'].map((part) => flat(found[`${before}contributions/${gate}/${part}`]))
      t.ok(parts.every(({ length }) => length === whole.length), `${id} ${name}`)
      for (const [n, z] of whole.entries()) {
        const [x, h, b] = parts.map((part) => part[n])
        worst = Math.max(worst, Math.abs(x + h + b - z) / Math.max(1, Math.abs(x), Math.abs(h), Math.abs(b)))
      }
      gates++
    }
  }
  t.ok(worst <= tolerance, `${worst}`)
  t.ok(gates >= 1000, `${gates} gates of ${cases.length} models`)
})

t.test('a GRU\'s candidate: r * (h U) and b + r * rb, or (r * h) U and b', async (t) => {
  for (const [id, after] of [['gru-last-k2-keras', true], ['gru-last-k3-keras', true], ['gru-before-k2-keras', false], ['gru-before-k3-h5', false]] as const) {
    const inputs = Object.values(cases.find((one) => one.id === id)!.inputs)[0]
    const { body: { layers: { gru } } } = await call(`${url}/hidden-states`, { model: id, inputs, tensors: ['hidden', 'gates', 'contributions'] })
    const { body: { layers: { gru: { weights } } } } = await call(`${url}/models/${id}/weights`)
    const { U_h: { data: U }, b_h: { data: b }, rb_h: rb } = weights
    let far = 0
    for (const [row, steps] of (gru.hidden as number[][][]).entries()) {
      for (const step of steps.keys()) {
        const before = step === 0 ? steps[0].map(() => 0) : steps[step - 1]
        const r = gru.gates.reset[row][step] as number[]
        const product = (h: readonly number[], unit: number): number => h.reduce((sum, value, k) => sum + value * U[k][unit], 0)
        for (const unit of b.keys()) {
          const recurrent = after ? r[unit] * product(before, unit) : product(before.map((value, k) => r[k] * value), unit)
          const bias = after ? b[unit] + r[unit] * rb.data[unit] : b[unit]
          const { candidate } = gru.contributions
          far = Math.max(far, Math.abs(candidate.recurrent[row][step][unit] - recurrent), Math.abs(candidate.bias[row][step][unit] - bias))
        }
      }
    }
    t.ok(far <= tolerance, `${id}: ${far}`)
    t.equal(rb !== undefined, after)
  }
})
