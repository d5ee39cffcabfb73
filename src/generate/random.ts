const mask = 0xffffffffffffffffn

/**
 * Numbers uniform in [0, 1) with 53 bits, the same for the same seed on every machine: SplitMix64, its upper bits.
 * Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014), with the constants of its variant 13.
 */
export function uniform (seed: number): () => number {
  let state = BigInt(seed)
  return () => {
    state = (state + 0x9e3779b97f4a7c15n) & mask
    let z = state
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask
    return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53
  }
}
