// The GRU as Keras makes it: reset_after, for which no fused op gives the gates.

import { line, overHttp } from '../http/scenario.mjs'

export const title = 'Default GRU of 128 units'

export const run = overHttp({
  title,
  notes: [
    '60 features, 40 steps, a Dense of 10 at every step on top.',
    'Rival 2 runs a loop compiled by XLA, for each shape of the inputs anew, on its first request. Rival 3 is not here: tfjs-layers refuses reset_after.'
  ],
  lines: [1, 32].flatMap((batch) => [
    line({ what: 'predict', model: 'gru', batch, formats: ['json', 'v2'], ceilings: ['json'], rivals: ['rival1', 'rival2', 'rival4'] }),
    line({ what: 'gates', model: 'gru', batch, formats: ['json', 'v2'], ceilings: ['json'], rivals: ['rival1', 'rival2'] })
  ])
})
