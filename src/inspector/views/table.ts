import { prediction } from './prediction/prediction.tsx'
import type { View } from './view.ts'

/** Every view, in the order of the page. */
export const views: readonly View[] = [prediction]
