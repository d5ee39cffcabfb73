import type { Call, Expression, Operation, Variable } from './expression.ts'
import { parameter } from './expression.ts'
import { numeral } from './literal.ts'

/** A piece of text with how tightly it holds together. */
export interface Text { readonly text: string, readonly level: Level }

export type Level = typeof levels[keyof typeof levels]
export const levels = { choice: 0, comparison: 1, sum: 2, product: 3, sign: 4, whole: 5 } as const

/** How a language says what the two say differently. */
export interface Words {
  readonly variable: (variable: Variable) => string
  readonly product: (a: Expression, matrix: Expression) => Text
  readonly softmax: (x: Expression) => string
  readonly choice: (condition: Text, yes: Text, no: Text) => Text
  /** The word for a function of one or two numbers. */
  readonly word: (name: string) => string
  /** An activation that no single word says: writes its function and gives the name of that. */
  readonly define: (call: Call) => string
  /** Parts that have a name already. */
  readonly names: ReadonlyMap<Expression, Variable>
}

const infix: Readonly<Record<string, readonly [sign: string, level: Level]>> = {
  add: ['+', levels.sum],
  sub: ['-', levels.sum],
  mul: ['*', levels.product],
  div: ['/', levels.product],
  less: ['<', levels.comparison],
  lessEqual: ['<=', levels.comparison],
  greater: ['>', levels.comparison],
  greaterEqual: ['>=', levels.comparison]
}

export const whole = (text: string): Text => ({ text, level: levels.whole })

/** In brackets where it would come apart beside what stands around it. */
export const within = ({ text, level }: Text, least: Level): string => level < least ? `(${text})` : text

/** A formula as text. */
export function print (expression: Expression, words: Words): Text {
  const name = words.names.get(expression)
  if (name !== undefined) return whole(words.variable(name))
  switch (expression.kind) {
    case 'variable': return whole(words.variable(expression))
    case 'number': return expression.value < 0 ? { text: numeral(expression.value), level: levels.sign } : whole(numeral(expression.value))
    case 'call': return printCall(expression, words)
    case 'operation': return printOperation(expression, words)
    default: throw new Error('arrays side by side are written one by one')
  }
}

function printCall (call: Call, words: Words): Text {
  const { argument, body } = call
  if (body === parameter) return print(argument, words)
  // One word does it: tanh, exp, softmax.
  if (body.kind === 'operation' && body.operands.length === 1 && body.operands[0] === parameter) return printOperation({ ...body, operands: [argument] }, words)
  return whole(`${words.define(call)}(${print(argument, words).text})`)
}

function printOperation ({ operator, operands }: Operation, words: Words): Text {
  const [a, b, c] = operands
  if (operator === 'matmul') return words.product(a, b)
  if (operator === 'softmax') return whole(words.softmax(a))
  if (operator === 'where') return words.choice(print(a, words), print(b, words), print(c, words))
  if (operator === 'neg') return { text: `-${within(print(a, words), levels.sign)}`, level: levels.sign }
  const found = infix[operator]
  if (found === undefined) return whole(`${words.word(operator)}(${operands.map((one) => print(one, words).text).join(', ')})`)
  const [sign, level] = found
  const [left, right] = [print(a, words), print(b, words)]
  // A product of matrices beside one of elements stands in brackets, so that nobody has to know which comes first.
  const least = operator === 'mul' && isProduct(a) ? levels.sign : level
  return { text: `${within(left, least)} ${sign} ${within(right, (level + 1) as Level)}`, level }
}

const isProduct = (expression: Expression): boolean => expression.kind === 'operation' && expression.operator === 'matmul'
