import { isWide, sizeOf, type Call, type Expression, type Variable } from './expression.ts'
import type { Functions } from './functions.ts'
import { levels, print, whole, within, type Words } from './print.ts'

/** Words that JavaScript has; those that it lacks are in `helpers`. */
const math: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['abs', 'sqrt', 'exp', 'expm1', 'tanh'].map((name) => [name, `Math.${name}`])), minimum: 'Math.min', maximum: 'Math.max'
}

export const helpers: Readonly<Record<string, string>> = {
  sigmoid: 'const sigmoid = (x) => 1 / (1 + Math.exp(-x))',
  square: 'const square = (x) => x * x',
  relu: 'const relu = (x) => Math.max(x, 0)',
  softplus: '/** log(exp(x) + 1), where exp(x) may be infinite. */\nconst softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))',
  erf: `/** The error function: its series (DLMF 7.6.2), beyond 3 the continued fraction of what is missing from 1 (DLMF 7.9.1). */
function erf (x) {
  const scale = Math.exp(-x * x) / Math.sqrt(Math.PI)
  if (Math.abs(x) > 3) {
    let rest = Math.abs(x)
    for (let k = 60; k > 0; k--) rest = Math.abs(x) + k / 2 / rest
    return Math.sign(x) * (1 - scale / rest)
  }
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= 2 * x * x / (2 * n + 1)
    sum += term
  }
  return 2 * scale * sum
}`,
  vector: '/** A list of n numbers, each from its place u. */\nconst vector = (n, entry) => Array.from({ length: n }, (_, u) => entry(u))',
  dot: '/** Entry u of the product of x with a matrix. */\nconst dot = (x, matrix, u) => x.reduce((sum, value, k) => sum + value * matrix[k][u], 0)',
  softmax: `function softmax (x) {
  const highest = x.reduce((a, b) => Math.max(a, b))
  const powers = x.map((value) => Math.exp(value - highest))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((value) => value / sum)
}`
}

/** Formulas entry by entry: what needs a whole list at once gets a line of its own before, in `before`. */
export class Entries {
  readonly before: string[] = []
  readonly #functions: Functions
  readonly #names: ReadonlyMap<Expression, Variable>

  constructor (functions: Functions, names: ReadonlyMap<Expression, Variable> = new Map()) {
    this.#functions = functions
    this.#names = names
  }

  /** The words of a formula whose variables are lists, at the place u. */
  #words (): Words {
    return {
      ...this.scalar(),
      names: this.#names,
      variable: ({ name }) => `${name}[u]`,
      product: (a, matrix) => whole(`${this.#functions.helper('dot')}(${this.#held(a)}, ${(matrix as Variable).name}, u)`),
      softmax: (x) => `${this.#held({ kind: 'operation', operator: 'softmax', operands: [x] })}[u]`
    }
  }

  /** The words of a function of one number. */
  scalar (): Words {
    const words: Words = {
      names: new Map(),
      variable: ({ name }) => name,
      product: () => { throw new Error('a number has no product with a matrix') },
      softmax: () => { throw new Error('a number has no softmax') },
      choice: (condition, yes, no) => ({ text: `${within(condition, levels.comparison)} ? ${within(yes, levels.comparison)} : ${within(no, levels.comparison)}`, level: levels.choice }),
      word: (name) => math[name] ?? this.#functions.helper(name),
      define: ({ name, body }: Call) => this.#functions.define(name, (own) => `const ${own} = (x) => ${print(body, words).text}`)
    }
    return words
  }

  /** The name of a list, which gets one if it has none. */
  #held (expression: Expression): string {
    const name = this.#names.get(expression) ?? (expression.kind === 'variable' ? expression : undefined)
    if (name !== undefined) return name.name
    const text = this.list(expression)
    const own = `part_${this.before.length + 1}`
    this.before.push(`const ${own} = ${text}`)
    return own
  }

  /** A formula as a list of numbers. */
  list (expression: Expression): string {
    const known = this.#names.get(expression) ?? (expression.kind === 'variable' ? expression : undefined)
    if (known !== undefined) return known.name
    const softmaxed = softmaxOf(expression)
    if (softmaxed !== null) return `${this.#functions.helper('softmax')}(${this.list(softmaxed)})`
    return `${this.#functions.helper('vector')}(${sizeOf(expression) ?? 'x.length'}, (u) => ${print(expression, this.#words()).text})`
  }
}

/** What a softmax is taken of; null for every other formula. */
function softmaxOf (expression: Expression): Expression | null {
  if (expression.kind === 'call' && isWide(expression)) return expression.argument
  return expression.kind === 'operation' && expression.operator === 'softmax' ? expression.operands[0] : null
}
