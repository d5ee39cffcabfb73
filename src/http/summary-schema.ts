import { Type } from 'typebox'
import { HiddenStatesAnswer } from './answers.ts'

/** What comes back for `summary`, for the document only. */

const number = (description: string) => Type.Union([Type.Number(), Type.Null()], { description })

const Statistics = Type.Object({
  count: Type.Integer({ description: 'Values: sequences times steps that are not masked; what is not finite is left out.' }),
  mean: number('null where count is 0, as the other numbers but m2.'),
  m2: Type.Number({ description: 'Sum of squared distances from the mean: m2 / count is the variance.' }),
  min: number('The smallest.'),
  max: number('The largest.'),
  low: number('The fraction below summary.low.'),
  high: number('The fraction above summary.high.'),
  histogram: Type.Array(Type.Integer(), { description: 'Bin n counts the values from edges[n - 1] on and below edges[n]; the first and the last bin are open.' })
}, {
  description: 'Of one unit. Two of them, of any requests, are added with n = n_a + n_b and d = mean_b - mean_a: mean = mean_a + d n_b / n, m2 = m2_a + m2_b + d^2 n_a n_b / n (Chan, Golub and LeVeque 1979), ' +
    'low and high = (low_a n_a + low_b n_b) / n; counts and histograms are added, extremes are the smaller and the larger.'
})
const Units = Type.Unknown({ description: '`[unit]`, or `[step][unit]` by step, of such objects.' })

export const SummaryAnswer = Type.Object({
  ...Type.Pick(HiddenStatesAnswer, ['model', 'version', 'digest']).properties,
  batch: Type.Integer({ description: 'Sequences that were summarised.' }),
  steps: Type.Union([Type.Integer(), Type.Null()], { description: 'Steps of the longest one.' }),
  summary: Type.Object({
    low: Type.Number(),
    high: Type.Number(),
    by: Type.Enum(['all', 'step']),
    edges: Type.Array(Type.Number(), { description: 'Of every histogram, the same for every tensor, model and request.' })
  }),
  layers: Type.Record(Type.String(), Type.Object({
    type: Type.String(),
    units: Type.Optional(Type.Integer()),
    axes: Type.Array(Type.String(), { description: '`unit`, or `step` and `unit`.' }),
    stepIndices: Type.Optional(Type.Array(Type.Integer(), { description: 'By step: which input steps.' })),
    hidden: Type.Optional(Type.Union([Type.Array(Statistics), Type.Array(Type.Array(Statistics))], { description: 'Of each unit; by step of each unit at each step.' })),
    cell: Type.Optional(Units),
    gates: Type.Optional(Type.Record(Type.String(), Units)),
    halfLife: Type.Optional(Type.Array(Type.Unknown(), {
      description: 'Steps after which half of a unit\'s memory is left: ln(1/2) / ln(mean of the forget gate), of a GRU its update gate; null where it does not fade (1 or more), 0 where nothing stays (0 or less).'
    })),
    follows: Type.Optional(Type.Array(Type.Array(Type.Object({
      input: Type.Optional(Type.String({ description: 'Where the model has several.' })),
      feature: Type.Unknown({ description: 'Its name in statescope.json, else its place; of token ids the id or its character.' }),
      correlation: Type.Number({ description: 'Pearson\'s, of the unit\'s hidden state with the feature at the same step.' })
    })), { description: 'For each unit the three input features it goes up and down with most, over all steps. Where the layer\'s steps are those of an input of at most 1024 features.' }))
  }, { description: 'Bidirectional has `forward` and `backward`, as in the answer with tensors.' })),
  receipt: Type.Index(HiddenStatesAnswer, ['receipt']),
  nonFinite: Type.Optional(Type.Integer({ description: 'Values that were NaN or infinite, and are in no number.' })),
  failed: Type.Optional(Type.Object({
    lines: Type.Integer({ description: 'Lines of an NDJSON body that are not in the summary.' }),
    problems: Type.Array(Type.Ref('Problem#'), { description: 'The first ten, each with its `line`, and its `id` where it is short.' })
  }))
})
