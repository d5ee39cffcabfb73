import { explained } from './explained.ts'
import { isWide, sizeOf, variable, type Call, type Expression, type Variable } from './expression.ts'
import type { Formula } from './formula.ts'
import { Functions } from './functions.ts'
import { literal } from './literal.ts'
import { levels, print, whole, within, type Words } from './print.ts'
import type { Program, Stage } from './program.ts'
import type { Both, Recurrence } from './recurrence.ts'

/** Words that JavaScript has; those that it lacks are in `helpers`. */
const math: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['abs', 'sqrt', 'exp', 'expm1', 'tanh'].map((name) => [name, `Math.${name}`])), minimum: 'Math.min', maximum: 'Math.max'
}

const helpers: Readonly<Record<string, string>> = {
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
class Entries {
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

/** The program as an ES module without dependencies. */
export function javascript (program: Program): string {
  const { id, version, digest, shape, stages } = program
  const functions = new Functions(helpers)
  const layers = stages.flatMap((stage) => functionsOf(stage, functions))
  const used = stages.flatMap(placesOf)
  const calls = stages.map((stage) => callOf(stage, (place) => `arrays_${used.indexOf(place) + 1}`))
  return `/**
 * What ${id}, version ${version}, computes, step by step, in plain JavaScript.
 *
 *     import { predict, sample } from './decode.mjs'
 *     node decode.mjs weights.json inputs.json
 *
 * weights.json is the answer to GET /models/${id}/weights?version=${version}, inputs.json the nested list that is the "inputs" of a POST /predict. Gives what
 * /predict answers, computed in float64 from the same float32 numbers.
 *
 * [u] is the entry of unit u: one number of a list. The same arrays serve every step.
 */

/** Of the model that this program was written for. */
const digest = ${literal(digest, 'javascript')}

/** Of its input; null: any size. */
const shape = [${shape.map((size) => size ?? 'null').join(', ')}]

/** The arrays of one layer by their names. */
function arrays (weights, ...place) {
  const layer = place.reduce((at, name) => {
    if (!Object.hasOwn(at, name)) throw new Error(\`the weights have no layer \${JSON.stringify(name)}\`)
    return at[name]
  }, weights.layers)
  return Object.fromEntries(Object.entries(layer.weights).map(([name, { data }]) => [name, float32(data)]))
}

/** The decimals of the JSON stand for float32 numbers. */
const float32 = (data) => Array.isArray(data) ? data.map(float32) : Math.fround(data)

/** The inputs, if they fit the model: a wrong number would look like a right one. */
function checked (inputs, [size, ...inner] = shape) {
  if (size === undefined) {
    if (typeof inputs !== 'number' || Number.isNaN(inputs)) throw new Error(\`the model takes numbers in the shape \${JSON.stringify(shape)}, not \${JSON.stringify(inputs)}\`)
    return Math.fround(inputs)
  }
  if (!Array.isArray(inputs) || (size !== null && inputs.length !== size) || inputs.some((part) => Array.isArray(part) && part.length !== inputs[0].length)) {
    throw new Error(\`the inputs should have the shape \${JSON.stringify(shape)}\`)
  }
  return inputs.map((part) => checked(part, inner))
}

${[...functions.texts(), ...layers].map((text) => `${text}\n\n`).join('')}/** inputs ${words(shape)} -> what the model predicts, a list for each sequence. */
export function predict (weights, inputs) {
  if ((weights.digest ?? digest) !== digest) throw new Error('these are the weights of another model, or of another version of it')
  if (weights.nonFinite > 0) throw new Error('some weights are not finite: JSON cannot hold them')
${used.map((place, n) => `  const arrays_${n + 1} = arrays(weights, ${place.map((name) => literal(name, 'javascript')).join(', ')})\n`).join('')}  return checked(inputs).map((sequence) => {
    let x = sequence
${calls.map((line) => `    ${line}\n`).join('')}    return x
  })
}

/**
 * The place of one of the probabilities, drawn by them. A temperature below 1 sharpens them, above 1 evens them out; at 0 the largest is taken.
 * random() is uniform in [0, 1).
 */
export function sample (probabilities, temperature = 1, random = Math.random) {
  const highest = probabilities.reduce((a, b) => Math.max(a, b))
  if (temperature === 0) return probabilities.indexOf(highest)
  const shares = probabilities.map((probability) => Math.exp(Math.log(probability / highest) / temperature))
  let rest = random() * shares.reduce((a, b) => a + b, 0)
  const found = shares.findIndex((share) => (rest -= share) < 0)
  return found >= 0 ? found : probabilities.indexOf(highest)
}

// Run by itself, not imported.
if (globalThis.process?.argv?.[1] !== undefined) {
  const { existsSync, readFileSync, realpathSync } = await import('node:fs')
  const { pathToFileURL } = await import('node:url')
  const [, program, ...files] = process.argv
  if (existsSync(program) && import.meta.url === pathToFileURL(realpathSync(program)).href) {
    const [weights, inputs] = files.map((file) => JSON.parse(readFileSync(file, 'utf8')))
    console.log(JSON.stringify(predict(weights, inputs)))
  }
}
`
}

const words = (shape: Program['shape']): string => `[${shape.map((size, n) => n === 0 ? 'batch' : size ?? 'any').join(', ')}]`

/** The layers whose arrays a stage has, each by its place. */
function placesOf (stage: Stage): (readonly string[])[] {
  switch (stage.kind) {
    case 'nothing': return []
    case 'both': return [...stage.forward, ...stage.backward].map(({ place }) => place)
    case 'formula': return stage.arrays.length === 0 ? [] : [stage.place]
    default: return [stage.place]
  }
}

function callOf (stage: Stage, named: (place: readonly string[]) => string): string {
  if (stage.kind === 'nothing') return `// ${stage.className}: nothing, outside of training`
  const given = placesOf(stage).map(named)
  const call = (x: string): string => `${stage.name}(${[...given, x].join(', ')})`
  if (stage.kind === 'recurrence' || stage.kind === 'both') return `x = ${call('x')}`
  // A formula is of one list, and a lookup of one id, of each sequence.
  const depth = stage.kind === 'lookup' ? stage.rank - 1 : stage.rank - 2
  const each = (level: number): string => level === 0 ? call('x') : `x.map((x) => ${each(level - 1)})`
  return `x = ${each(depth)}`
}

function functionsOf (stage: Stage, functions: Functions): string[] {
  switch (stage.kind) {
    case 'nothing': return []
    case 'lookup': return [`/** Embedding: a row of numbers for each id. */
function ${stage.name} ({ embeddings }, id) {
  if (!Object.hasOwn(embeddings, id)) throw new Error(\`ids are whole numbers from 0 to \${embeddings.length - 1}, not \${id}\`)
  return embeddings[id]
}`]
    case 'formula': return [formula(stage, functions)]
    case 'recurrence': return [recurrence(stage, functions)]
    case 'both': return [...stage.forward, ...stage.backward].map((cell) => recurrence(cell, functions)).concat(both(stage, functions))
  }
}

function formula ({ name, className, arrays, result }: Formula, functions: Functions): string {
  const entries = new Entries(functions)
  const text = entries.list(result)
  return `/** ${explained[className] ?? className}. */
function ${name} (${arrays.length === 0 ? '' : `{ ${arrays.join(', ')} }, `}x) {
${entries.before.map((line) => `  ${line}\n`).join('')}  return ${text}
}`
}

function recurrence (cell: Recurrence, functions: Functions): string {
  const { name, className, units, states, arrays, lines, backwards, sequences } = cell
  const names = new Map<Expression, Variable>()
  const steps = lines.flatMap(({ name: own, result, gate }) => {
    const entries = new Entries(functions, names)
    const text = entries.list(result)
    names.set(result, variable(own, units))
    const lines = [...entries.before, `${gate === null ? '' : 'const '}${own} = ${text}`]
    return gate === null ? lines : [`// ${explained[`${className.replace('Cell', '')} ${gate}`]}`, ...lines]
  })
  const vector = functions.helper('vector')
  return `/** ${className}: steps of features -> ${sequences ? `the state of ${units} units after every step` : `the state of ${units} units after the last step`}${backwards ? ' read, from the last to the first' : ''}. */
function ${name} (weights, sequence) {
${arrays.map((own) => `  const { ${own.join(', ')} } = weights\n`).join('')}${states.map((state) => `  let ${state} = ${vector}(${units}, () => 0)\n`).join('')}${sequences ? '  const outputs = []\n' : ''}  for (const x_t of ${backwards ? 'sequence.toReversed()' : 'sequence'}) {
${steps.map((line) => `    ${line}\n`).join('')}${sequences ? '    outputs.push(h)\n  }\n  return outputs' : '  }\n  return h'}
}`
}

function both ({ name, forward, backward, merge, sequences }: Both, functions: Functions): string {
  const chained = (cells: readonly Recurrence[], side: string): string => cells.reduce((inner, cell, n) => `${cell.name}(${side}_${n}, ${inner})`, 'sequence')
  const given = [...forward.map((_, n) => `forward_${n}`), ...backward.map((_, n) => `backward_${n}`)]
  const vector = functions.helper('vector')
  const entry = { sum: 'a[u] + b[u]', mul: 'a[u] * b[u]', ave: '(a[u] + b[u]) / 2' }
  const merged = merge === 'concat' ? '[...a, ...b]' : `${vector}(a.length, (u) => ${entry[merge]})`
  return `/** Bidirectional: the steps read in both directions. */
function ${name} (${given.join(', ')}, sequence) {
  const forward = ${chained(forward, 'forward')}
  const backward = ${chained(backward, 'backward')}${sequences ? '.toReversed() // in the order of the steps again' : ''}
  const merged = (a, b) => ${merged}
  return ${sequences ? 'forward.map((a, t) => merged(a, backward[t]))' : 'merged(forward, backward)'}
}`
}
