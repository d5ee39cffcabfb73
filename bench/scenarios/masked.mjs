// An Embedding with a mask before an LSTM.

import { everyone } from './support/everyone.mjs'

export const title = 'Embedding with a mask, LSTM of 128 units'

export const run = everyone({
  title,
  model: 'masked',
  tokens: true,
  notes: [
    '1,000 tokens embedded in 60 features, 40 steps of which up to half are masked, before each sequence; a Dense of 10 at every step on top.',
    'TensorFlow\'s fused LSTM knows no masks: rival 2 runs a loop compiled by XLA, for each shape of the inputs anew, on its first request.'
  ]
})
