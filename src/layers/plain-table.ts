import type { LayerFunction } from './layer.ts'

/** The layers without states of their own, by class. */
export const plain: ReadonlyMap<string, LayerFunction> = new Map()
