import { generate } from './generate/generate.tsx'
import { graph } from './graph/graph.tsx'
import { prediction } from './prediction/prediction.tsx'
import { relevance } from './relevance/relevance.tsx'
import { saturation } from './saturation/saturation.tsx'
import { states } from './states/states.tsx'
import { text } from './text/text.tsx'
import type { View } from './view.ts'
import { weights } from './weights/weights.tsx'
import { whatIf } from './what-if/what-if.tsx'

/** Every view, in the order of the page. */
export const views: readonly View[] = [graph, prediction, relevance, states, text, saturation, weights, whatIf, generate]
