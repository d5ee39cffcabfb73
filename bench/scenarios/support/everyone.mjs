import { line, overHttp } from '../../http/scenario.mjs'

/** The lines of a model whose predictions every rival gives, and whose gates rival 2 alone does. */
export const everyone = ({ title, notes, model, tokens = false }) => overHttp({
  title,
  notes,
  lines: [
    line({ what: 'predict', model, tokens, batch: 1, ceilings: ['json'], rivals: ['rival1', 'rival2', 'rival3', 'rival4'] }),
    ...[1, 32].map((batch) => line({ what: 'gates', model, tokens, batch, formats: ['json', 'v2'], ceilings: ['json'], rivals: ['rival2'] }))
  ]
})
