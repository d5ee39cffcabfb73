/** Runs equations as they are written in an answer, in float64, so that a test can ask whether they are true. */

import { compiled } from '../support/equation.ts'

/** A vector, a matrix by rows, or a number. */
export type Value = number | number[] | number[][]
type Names = Readonly<Record<string, Value>>
type Functions = Record<string, (...values: number[]) => number>

const known: Functions = { max: Math.max, min: Math.min, exp: Math.exp, log: Math.log, tanh: Math.tanh, abs: Math.abs, sqrt: Math.sqrt }

const isMatrix = (value: Value): value is number[][] => Array.isArray(value) && Array.isArray(value[0])

/** Element by element; a number goes with every element. */
function each (f: (...values: number[]) => number, values: readonly Value[]): Value {
  const length = values.find((value) => Array.isArray(value))?.length
  if (values.some(isMatrix)) throw new Error('a matrix stands beside a product only')
  if (length === undefined) return f(...values as number[])
  return Array.from({ length }, (_, n) => f(...values.map((value) => Array.isArray(value) ? value[n] as number : value)))
}

function product (row: Value, matrix: Value): Value {
  if (!Array.isArray(row) || !isMatrix(matrix) || row.length !== matrix.length) throw new Error('a product needs a vector and a matrix')
  return matrix[0].map((_, column) => (row as number[]).reduce((sum, x, n) => sum + x * matrix[n][column], 0))
}

/** sum: terms with + and -; term: factors with * and /; factor: atoms side by side are matrix products. */
function evaluate (text: string, names: Names, functions: Functions): Value {
  const tokens = text.match(/[A-Za-z]\w*(?:\{t-1\})?|\d+(?:\.\d+)?|[-+*/(),]/g) ?? []
  if (tokens.join('') !== text.replaceAll(' ', '')) throw new Error(`cannot read ${text}`)
  let at = 0
  const take = (token: string): void => { if (tokens[at++] !== token) throw new Error(`expected ${token} in ${text}`) }
  const sum = (): Value => {
    let value = term()
    while (tokens[at] === '+' || tokens[at] === '-') {
      const sign = tokens[at++] === '+' ? 1 : -1
      value = each((a, b) => a + sign * b, [value, term()])
    }
    return value
  }
  const term = (): Value => {
    let value = factor()
    while (tokens[at] === '*' || tokens[at] === '/') {
      value = tokens[at++] === '*' ? each((a, b) => a * b, [value, factor()]) : each((a, b) => a / b, [value, factor()])
    }
    return value
  }
  const factor = (): Value => {
    let value = atom()
    while (/^[A-Za-z(]/.test(tokens[at] ?? '')) value = product(value, atom())
    return value
  }
  const atom = (): Value => {
    const token = tokens[at++]
    if (token === '-') return each((x) => -x, [atom()])
    if (token === '(') {
      const value = sum()
      take(')')
      return value
    }
    if (/^\d/.test(token)) return Number(token)
    if (tokens[at] !== '(' || token in names) {
      if (!(token in names)) throw new Error(`${token} is not known in ${text}`)
      return names[token]
    }
    take('(')
    const given = [sum()]
    while (tokens[at] === ',') {
      at++
      given.push(sum())
    }
    take(')')
    if (!(token in functions)) throw new Error(`the function ${token} is not known in ${text}`)
    return each(functions[token], given)
  }
  const value = sum()
  if (at !== tokens.length) throw new Error(`cannot read ${text}`)
  return value
}

/** One sequence `[step][feature]` through a cell's equations: h_t of every step, in the order of the input. */
export function run (equations: readonly string[], weights: Names, units: number, sequence: readonly number[][]): number[][] {
  const lines = equations.map((line) => line.split(' = ')).filter((parts) => parts.length === 2)
  const functions = { ...known }
  for (const [left, right] of lines) {
    const name = /^(\w+)\(z\)$/.exec(left)?.[1]
    if (name !== undefined) functions[name] = compiled(right.replaceAll(/\bz\b/g, 'x'))
  }
  const steps = lines.filter(([left]) => left.endsWith('_t'))
  const backwards = equations.some((line) => line.includes('from its last step to its first'))
  const order = [...sequence.keys()]
  if (backwards) order.reverse()
  const hidden: number[][] = []
  let before: Record<string, Value> = { 'h_{t-1}': Array(units).fill(0), 'c_{t-1}': Array(units).fill(0) }
  for (const t of order) {
    const names: Record<string, Value> = { ...weights, ...before, x_t: sequence[t] }
    for (const [left, right] of steps) names[left] = evaluate(right, names, functions)
    hidden[t] = names.h_t as number[]
    before = { 'h_{t-1}': names.h_t, 'c_{t-1}': names.c_t ?? [] }
  }
  return hidden
}
