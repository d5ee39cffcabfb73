// The LSTM with half and with twice the units.

import { line, overHttp } from '../http/scenario.mjs'

export const title = 'LSTM of 64 and of 256 units'

export const run = overHttp({
  title,
  notes: ['60 features, 40 steps.'],
  lines: [64, 256].flatMap((units) => [1, 32].map((batch) =>
    line({ what: 'gates', named: `all states and gates, ${units} units`, model: `lstm${units}`, batch, formats: ['json', 'v2'], ceilings: ['json'], rivals: ['rival2'] })))
})
