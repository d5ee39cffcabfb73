// The LSTM over 100 steps in place of 40.

import { line, overHttp } from '../http/scenario.mjs'

export const title = 'LSTM of 128 units, 100 steps'

export const run = overHttp({
  title,
  notes: ['60 features.'],
  lines: [1, 32].map((batch) => line({ what: 'gates', model: 'lstm', batch, steps: 100, formats: ['json', 'v2'], ceilings: ['json', 'v2'], rivals: ['rival2'] }))
})
