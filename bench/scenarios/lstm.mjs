// The LSTM that most targets speak of: 128 units over 60 features, 40 steps; every rival, every form.

import { line, overHttp } from '../http/scenario.mjs'

export const title = 'LSTM of 128 units'

const formats = ['json', 'safetensors', 'v2']
const eight = [1, 32].flatMap((batch) => [
  line({ what: 'predict', model: 'lstm', batch, formats, ceilings: formats, rivals: ['rival1', 'rival2', 'rival2cores', 'rival3', 'rival4'] }),
  line({ what: 'hidden', model: 'lstm', batch, formats: ['json', 'v2'], ceilings: ['json', 'v2'], rivals: ['rival1', 'rival2', 'rival2cores', 'rival3', 'rival4'] }),
  line({ what: 'gates', model: 'lstm', batch, formats, ceilings: formats, rivals: ['rival1', 'rival2', 'rival2cores', 'rival3'] })
])
const one = [1, 32].flatMap((batch) => ['predict', 'gates'].map((what) =>
  line({ what, model: 'lstm', batch, connections: 1, formats: ['json', 'v2'], ceilings: ['json', 'v2'], rivals: ['rival2', 'rival2cores'] })))

export const run = overHttp({
  title,
  notes: [
    '60 features, 40 steps, a Dense of 10 at every step on top.',
    'Rival 2 is one process, as the targets were set; beside it the same with a process a core, each with one thread of TensorFlow.',
    'safetensors: JSON in, a binary answer. V2 binary: tensors in bytes both ways. The rivals have JSON alone, so binary stands beside their JSON.'
  ],
  lines: [...eight, ...one],
  wishes: [1, 32].flatMap((batch) => [
    { what: 'gates', batch, format: 'json', than: 'rival2', times: 3 },
    { what: 'gates', batch, format: 'json', than: 'rival1', times: 60 },
    { what: 'gates', batch, format: 'v2', than: 'rival2', times: 6 },
    { what: 'predict', batch, format: 'json', than: 'rival2', times: batch === 1 ? 5 : 3.5 }
  ])
})
