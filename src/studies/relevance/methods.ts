import type { Coalition } from './coalitions.ts'

/** What a coalition gives, of one sequence. */
export type Game = (coalition: Coalition) => number

/** A method that needs the values of coalitions alone: which of them, and each player's share from them. */
export interface CoalitionMethod {
  readonly coalitions: (players: number) => Coalition[]
  /** By player. */
  readonly shares: (players: number, game: Game) => number[]
}

const all = (players: number): Coalition => 2 ** players - 1
const players = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
/** The first `n` players. */
const first = (n: number): Coalition => 2 ** n - 1

/**
 * What each step adds to those after it: v({t-1 ... t-j}) - v({t-1 ... t-(j-1)}), the others at the baseline. Adds up to v(all) - v(none), and depends on the order.
 */
export const insertion: CoalitionMethod = {
  coalitions: (count) => [0, ...players(count).map((n) => first(n + 1))],
  shares: (count, game) => players(count).map((n) => game(first(n + 1)) - game(first(n)))
}

/** What is lost where one is not there: v(all) - v(all but j). Adds up to nothing in particular. */
export const occlusion: CoalitionMethod = {
  coalitions: (count) => [all(count), ...players(count).map((n) => all(count) - 2 ** n)],
  shares: (count, game) => players(count).map((n) => game(all(count)) - game(all(count) - 2 ** n))
}
