/** The steps of each sequence as players of a game: the last ones each alone, all before them together. */
export interface Players {
  /** `t-1` to the window's end, and `older`: what an answer tells of, whether there are such steps or not. */
  readonly lags: readonly string[]
  /** Those of them that have steps in sequences of this length: the players. */
  readonly names: readonly string[]
  /** `[batch, step]`: whose step it is, an index into `names`; -1 for a step that the model masks. */
  readonly of: Int8Array
  /** `[batch]`: the input step that is t-1; -1 where all are masked. */
  readonly last: readonly number[]
}

/**
 * t-1 is the last step that the model reads: behind it there is only padding. Earlier steps are counted as they lie, masked ones too, so that t-5 always is
 * five steps before the prediction.
 */
export function playersOf (batch: number, steps: number, window: number, counts: Uint8Array | null): Players {
  const alone = Math.min(window, steps)
  const lags = [...Array.from({ length: window }, (_, n) => `t-${n + 1}`), 'older']
  const names = steps > window ? lags : lags.slice(0, alone)
  const of = new Int8Array(batch * steps).fill(-1)
  const last = Array.from({ length: batch }, (_, b) => {
    let end = steps - 1
    while (end >= 0 && counts?.[b * steps + end] === 0) end--
    for (let step = 0; step <= end; step++) if (counts?.[b * steps + step] !== 0) of[b * steps + step] = Math.min(end - step, alone)
    return end
  })
  return { lags, names, of, last }
}

/** `[batch, step]` added up by lag: `{"t-1": [batch], ...}`; 0 where there are no such steps. */
export function lagsOf ({ lags, of }: Players, batch: number, values: Float64Array): Record<string, number[]> {
  const steps = of.length / batch
  const sums = lags.map(() => Array<number>(batch).fill(0))
  values.forEach((value, n) => { if (of[n] >= 0) sums[of[n]][Math.floor(n / steps)] += value })
  return Object.fromEntries(lags.map((name, n) => [name, sums[n]]))
}
