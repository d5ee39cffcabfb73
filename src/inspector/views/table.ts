import { prediction } from './prediction/prediction.tsx'
import type { View } from './view.ts'
import { weights } from './weights/weights.tsx'

/** Every view, in the order of the page. */
export const views: readonly View[] = [prediction, weights]
