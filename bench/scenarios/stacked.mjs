// Two LSTMs, one on the other.

import { everyone } from './support/everyone.mjs'

export const title = 'Two stacked LSTMs of 128 units'
export const run = everyone({ title, model: 'stacked', notes: ['60 features, 40 steps, a Dense of 10 at every step on top.'] })
