import t from 'tap'
import { Fault } from '../../src/errors.ts'
import { activation, activationNames, equation } from '../../src/ops/activations.ts'
import { compiled, wide } from '../support/equation.ts'
import { plainOps } from '../../src/ops/plain/ops.ts'
import { activationFindings, recordedActivations } from './goldens.ts'
import { plain } from './subject.ts'

const ops = plainOps()
const places = Float32Array.from([-4.5, -3, -2.75, -1, -0.75, -0.25, 0, 0.25, 0.75, 1, 2.25, 3, 5.5, 7])
const at = (name: unknown, keras: 1 | 2 | 3): number[] => [...activation(ops, name, keras)(ops.constant(places, [1, places.length])).data]

t.test('float64 agrees with Keras', async (t) => {
  for (const { what, far, bound } of activationFindings(plain)) t.ok(far <= bound, `${what}: ${far}`)
})

t.test('every name of the table is held against Keras', async (t) => {
  for (const keras of [2, 3] as const) t.strictSame(activationNames(keras).filter((name) => !recordedActivations(keras).includes(name)), [], `Keras ${keras}`)
  t.strictSame(activationNames(1), activationNames(2))
})

t.test('one name, two meanings', async (t) => {
  t.strictSame(at('hard_sigmoid', 1), at('hard_sigmoid', 2))
  t.not(at('hard_sigmoid', 2)[4], at('hard_sigmoid', 3)[4])
})

t.test('the ways in which files name an activation', async (t) => {
  const gelu = at('gelu', 3)
  for (const given of [
    'keras.activations>gelu', 'keras.activations.gelu', 'tf.keras.activations.gelu',
    { class_name: 'function', config: 'gelu' },
    { module: 'builtins', class_name: 'function', config: 'gelu', registered_name: 'gelu' },
    { module: 'keras.activations', class_name: 'function', config: 'gelu', registered_name: 'gelu' },
    { module: 'keras.src.activations.activations', class_name: 'function', config: 'gelu', registered_name: null },
    { class_name: 'Activation', config: { activation: 'gelu' } }
  ]) t.strictSame(at(given, 3), gelu, JSON.stringify(given))
  for (const nothing of [null, undefined, 'linear']) t.strictSame(at(nothing, 2), [...places])
  t.strictSame(at({ class_name: 'LeakyReLU', config: { alpha: 0.5 } }, 2), [...places].map((x) => x > 0 ? x : x / 2))
  t.strictSame(at({ class_name: 'LeakyReLU', config: {} }, 2).slice(0, 1), [-4.5 * 0.3])
  t.strictSame(at('leaky_relu', 3).slice(0, 1), [-4.5 * 0.2])
})

t.test('what is not Keras\' own is refused', async (t) => {
  for (const [given, shown] of [
    ['Custom>gelu', 'Custom>gelu'], ['nothing', 'nothing'], ['', '""'], [7, '7'], ['constructor', 'constructor'], ['__proto__', '__proto__'],
    [{ module: 'mine', class_name: 'function', config: 'gelu', registered_name: 'Custom>gelu' }, 'Custom>gelu'],
    [{ module: 'mine.layers', class_name: 'LeakyReLU', config: {}, registered_name: null }, 'mine.layers.LeakyReLU'],
    [{ module: null, class_name: 'LeakyReLU', config: {}, registered_name: 'Custom>LeakyReLU' }, 'Custom>LeakyReLU'],
    [{ class_name: 'PReLU', config: {} }, 'PReLU'], [{ name: 'gelu' }, 'gelu']
  ] as const) {
    t.throws(() => activation(ops, given, 3), { name: 'Fault', code: 'unsupported_layer', message: shown })
    t.throws(() => equation(given, 3), Fault)
  }
  t.throws(() => activation(ops, 'celu', 2), { message: /^Keras 2 has no activation "celu".*softsign/ })
  t.throws(() => activation(ops, { class_name: 'ELU', config: { alpha: '1' } }, 3), { code: 'unsupported_layer', message: /alpha/ })
})

t.test('equations say what is computed', async (t) => {
  const settings = [
    { class_name: 'ReLU', config: { max_value: 2.5, negative_slope: 0.25, threshold: 0.5 } }, { class_name: 'ReLU', config: { max_value: 2.5 } },
    { class_name: 'ReLU', config: { threshold: 0.5 } }, { class_name: 'ReLU', config: { negative_slope: 0.25 } },
    { class_name: 'ELU', config: { alpha: 0.5 } }, { class_name: 'LeakyReLU', config: { alpha: 0.125 } }
  ]
  for (const keras of [2, 3] as const) {
    for (const name of [...activationNames(keras).filter((name) => !wide.includes(name)), ...settings]) {
      const text = equation(name, keras)
      const told = [...places].map(compiled(text))
      const far = Math.max(...at(name, keras).map((y, n) => Math.abs(y - told[n])))
      t.ok(far < 1e-7, `Keras ${keras} ${JSON.stringify(name)} is ${text}: ${far}`)
    }
  }
})
