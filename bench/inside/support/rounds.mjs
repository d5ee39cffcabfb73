// Interleaved rounds: every subject is timed once a round, in turn, so that what else the machine does falls on all of them alike.

import { setTimeout as wait } from 'node:timers/promises'

/** Milliseconds between two subjects: the threads of onnxruntime and of TensorFlow go on turning for some time after their last call, on cores that others want. */
const rest = 40

export function median (values) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted.length % 2 === 1 ? sorted[sorted.length >> 1] : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2
}

export function percentile (values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]
}

async function timed (work, count) {
  const before = process.cpuUsage()
  const start = performance.now()
  for (let n = 0; n < count; n++) await work()
  const wall = performance.now() - start
  const { user, system } = process.cpuUsage(before)
  return { wall: wall / count, cpu: (user + system) / 1000 / count }
}

/** Calls for about so many milliseconds, once at least; the milliseconds that the last half of them took, each. */
async function warmed (work, milliseconds) {
  const start = performance.now()
  const calls = []
  do {
    const before = performance.now()
    await work()
    calls.push(performance.now() - before)
  } while (performance.now() - start < milliseconds)
  return median(calls.slice(calls.length >> 1))
}

/**
 * Times each of `subjects` (name -> async function) `rounds` times, each time for about `milliseconds` or one call, whichever is longer. Gives name ->
 * `{ wall, cpu }`, the milliseconds a call of each round; the first round is left out. Everybody runs for `warmUp` milliseconds before: what V8 has not compiled yet
 * takes twice as long, and how often each is called in a round follows from its pace when warm. Every other round goes from the last to the first.
 */
export async function interleaved (subjects, { rounds = 7, milliseconds = 30, warmUp = 300 } = {}) {
  const names = Object.keys(subjects)
  const counts = {}
  for (const name of names) counts[name] = Math.max(1, Math.ceil(milliseconds / await warmed(subjects[name], warmUp)))
  const found = Object.fromEntries(names.map((name) => [name, { wall: [], cpu: [] }]))
  for (let round = -1; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      // What the last subject left is no burden of the next: a collection that it brought about took a third of the time of small subjects, on other threads too.
      globalThis.gc?.()
      await wait(rest)
      const { wall, cpu } = await timed(subjects[name], counts[name])
      if (round < 0) continue
      found[name].wall.push(wall)
      found[name].cpu.push(cpu)
    }
  }
  return found
}

/** The median over rounds of a ratio within each: slow rounds are slow for both. */
export const ratio = (above, below) => median(above.map((value, round) => value / below[round]))
