import { generate } from './generate/generate.tsx'
import { prediction } from './prediction/prediction.tsx'
import { saturation } from './saturation/saturation.tsx'
import { states } from './states/states.tsx'
import { text } from './text/text.tsx'
import type { View } from './view.ts'
import { weights } from './weights/weights.tsx'

/** Every view, in the order of the page. */
export const views: readonly View[] = [prediction, states, text, saturation, weights, generate]
