import { agnes } from 'ml-hclust'
import type { Curves } from './cell.ts'

/**
 * The units in the order of the leaves of a dendrogram: agglomerative, average linkage, Euclidean distance between curves over the steps that are not masked. Neighbours
 * rise and fall together.
 */
export function clusterOrder ({ steps, units, values }: Curves, mask: Uint8Array | null): number[] {
  if (units < 2) return Array.from({ length: units }, (_, unit) => unit)
  const seen = Array.from({ length: steps }, (_, n) => n).filter((n) => mask?.[n] !== 0)
  // A row a unit, so that the distance of two reads both from end to end.
  const curves = Array.from({ length: units }, (_, unit) => Float32Array.from(seen, (n) => values[n * units + unit]))
  const distances = Array.from({ length: units }, () => new Array<number>(units).fill(0))
  for (let a = 0; a < units; a++) for (let b = 0; b < a; b++) distances[a][b] = distances[b][a] = distance(curves[a], curves[b])
  return agnes(distances, { method: 'average', isDistanceMatrix: true }).indices()
}

/** A unit with a value that is not finite is as far from all others as can be said. */
function distance (a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let n = 0; n < a.length; n++) sum += (a[n] - b[n]) ** 2
  return Number.isFinite(sum) ? Math.sqrt(sum) : Number.MAX_VALUE / 1e9
}
