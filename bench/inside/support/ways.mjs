// Several ways to do the same with one subject, in CPU time an item; orjson, in a process of its own, among them.

import { median, ratio } from './rounds.mjs'

/** Rounds that warm up. */
const first = 3

/**
 * `ways`: name -> function of the subject; the first is what the others stand beside. `orjson` (orjson.mjs; null: left out) gets `bytes`. Each gives a number, of which the
 * last is `gave`. For each of them `{ name, time, spread, ofFirst, gave }`, in nanoseconds an item.
 */
export async function timedWays (ways, orjson, { subject, bytes, items, rounds, orjsonDoes }) {
  const names = [...Object.keys(ways), ...(orjson === null ? [] : [`orjson ${orjson.version}${orjsonDoes}`])]
  const [times, gave] = [Object.fromEntries(names.map((name) => [name, []])), {}]
  for (let round = -first; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const [time, given] = name in ways ? timed(ways[name], subject) : await orjson.run(bytes)
      gave[name] = given
      if (round >= 0) times[name].push(time / items)
    }
  }
  return names.map((name) => ({ name, time: median(times[name]), spread: [Math.min(...times[name]), Math.max(...times[name])], ofFirst: ratio(times[name], times[names[0]]), gave: gave[name] }))
}

function timed (way, subject) {
  const before = process.cpuUsage()
  const given = way(subject)
  const { user, system } = process.cpuUsage(before)
  return [1000 * (user + system), given]
}
