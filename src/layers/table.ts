import type { LayerFunction } from './layer.ts'
import { plain } from './plain-table.ts'

/** The one table of classes this software knows: what is not here is refused when a model is read. Nothing else is resolved from a name. */
export const layers: ReadonlyMap<string, LayerFunction> = new Map([...plain])
