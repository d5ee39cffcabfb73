// A Bidirectional LSTM.

import { everyone } from './support/everyone.mjs'

export const title = 'Bidirectional LSTM of 128 units'
export const run = everyone({ title, model: 'bi', notes: ['60 features, 40 steps, a Dense of 10 at every step on top.'] })
