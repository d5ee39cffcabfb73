import t from 'tap'
import { Fault } from '../../src/errors.ts'
import { planAll, planByName } from '../../src/plan/by-name.ts'
import { graphOf, layer, served } from '../request/models.ts'

const { file } = served(graphOf({ x: { shape: [null, null, 2] } }, [
  [layer('lstm', 'LSTM', { units: 2, return_sequences: true }), 'x'],
  [layer('gru', 'GRU', { units: 2 }), 'lstm'],
  [layer('add', 'ops.Add'), 'gru', 'gru'],
  [layer('dense', 'Dense', { units: 1 }), 'add']
]))
const where = (n: number): string => `/outputs/${n}/name`

t.test('outputs by their own names, internals by layer and name; only what they need is run', async (t) => {
  const plan = planByName(file, ['lstm/gates/forget', 'lstm/hidden'], where)
  t.same(plan.outputs, [])
  t.same(plan.layers.map(({ key, internals, outputs }) => [key, internals.map(({ name }) => name), outputs]), [['lstm', ['hidden', 'gates/forget'], []]])
  t.same(plan.nodes, [0, 1])
  const own = planByName(file, ['dense'], where)
  t.same([own.layers, own.outputs.map(({ name }) => name), own.nodes], [[], ['dense'], [0, 1, 2, 3, 4]])
  const mixed = planByName(file, ['dense', 'gru/final/hidden', 'lstm/output'], where)
  t.same(mixed.layers.map(({ key, internals, outputs }) => [key, internals.map(({ name }) => name), outputs.map(({ name }) => name)]), [['lstm', [], ['output']], ['gru', ['final/hidden'], []]])
})

t.test('everything, without inputs and operations', async (t) => {
  const all = planAll(file)
  t.same(all.layers.map(({ key }) => key), ['lstm', 'gru', 'dense'])
  t.same(planAll(file), all)
  const names = [...all.outputs.map(({ name }) => name), ...all.layers.flatMap(({ key, internals, outputs }) => [...internals, ...outputs].map(({ name }) => `${key}/${name}`))]
  t.equal(new Set(names).size, names.length)
  t.same(planByName(file, names, where), all, 'naming it all is the same plan')
})

t.test('no such name', async (t) => {
  t.throws(() => planByName(file, ['dense', 'lstm/hiden'], where), { code: 'unknown_name', pointer: '/outputs/1/name', message: /there is no output "lstm\/hiden"; layer "lstm" gives "lstm\/hidden", "lstm\/cell"/ })
  t.throws(() => planByName(file, ['nothing'], where), new Fault('unknown_name', 'there is no output "nothing"; the model\'s outputs are "dense", and each of its layers gives others by names such as LAYER/output; the layers are "lstm", "gru", "dense"', '/outputs/0/name'))
})
