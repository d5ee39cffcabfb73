import type { Coalition } from './coalitions.ts'

/** What a coalition gives, of one sequence. */
export type Game = (coalition: Coalition) => number

/** A method that needs the values of coalitions alone: which of them, and each player's share from them. */
export interface CoalitionMethod {
  readonly coalitions: (players: number) => Coalition[]
  /** By player. */
  readonly shares: (players: number, game: Game) => number[]
  /** Do the shares add up to v(all) - v(none)? */
  readonly addsUp: boolean
}

const all = (players: number): Coalition => 2 ** players - 1
const each = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
/** The first `n` players. */
const first = (n: number): Coalition => 2 ** n - 1

function factorial (n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1)
}

/** How many players are in it. */
function size (coalition: Coalition): number {
  let count = 0
  for (let rest = coalition; rest > 0; rest >>= 1) count += rest & 1
  return count
}

/** The Shapley value (1953), over all coalitions: the sum over S without j of |S|! (n - |S| - 1)! / n! times v(S and j) - v(S). */
export const shapley: CoalitionMethod = {
  addsUp: true,
  coalitions: (count) => each(2 ** count),
  shares: (count, game) => {
    const weights = each(count).map((n) => factorial(n) * factorial(count - n - 1) / factorial(count))
    return each(count).map((player) => each(2 ** count).reduce((sum, without) =>
      (without >> player) % 2 === 1 ? sum : sum + weights[size(without)] * (game(without + 2 ** player) - game(without)), 0))
  }
}

/** What each step adds to those after it: v({t-1 ... t-j}) - v({t-1 ... t-(j-1)}), the others at the baseline. Depends on the order. */
export const insertion: CoalitionMethod = {
  addsUp: true,
  coalitions: (count) => [0, ...each(count).map((n) => first(n + 1))],
  shares: (count, game) => each(count).map((n) => game(first(n + 1)) - game(first(n)))
}

/** What is lost where one is not there: v(all) - v(all but j). */
export const occlusion: CoalitionMethod = {
  addsUp: false,
  coalitions: (count) => [all(count), ...each(count).map((n) => all(count) - 2 ** n)],
  shares: (count, game) => each(count).map((n) => game(all(count)) - game(all(count) - 2 ** n))
}
