import { Entries, helpers } from './entries.ts'
import { explained } from './explained.ts'
import { variable, type Expression, type Variable } from './expression.ts'
import type { Formula } from './formula.ts'
import { Functions } from './functions.ts'
import { literal, numeral } from './literal.ts'
import type { Program, Stage } from './program.ts'
import type { Both, Recurrence } from './recurrence.ts'

/** The program as an ES module without dependencies. */
export function javascript (program: Program): string {
  const { id, version, digest, shape, stages } = program
  const functions = new Functions(helpers)
  const layers = stages.flatMap((stage) => functionsOf(stage, functions))
  const used = stages.flatMap(placesOf)
  const masks = stages.some((stage) => stage.kind === 'masking' || (stage.kind === 'lookup' && stage.masks))
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
${masks ? '    let mask\n' : ''}${calls.map((line) => `    ${line}\n`).join('')}    return x
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
    case 'nothing':
    case 'masking': return []
    case 'both': return [...stage.forward, ...stage.backward].map(({ place }) => place)
    case 'formula': return stage.arrays.length === 0 ? [] : [stage.place]
    default: return [stage.place]
  }
}

function callOf (stage: Stage, named: (place: readonly string[]) => string): string {
  if (stage.kind === 'nothing') return `// ${stage.className}: nothing, outside of training`
  const given = placesOf(stage).map(named)
  if (stage.kind === 'masking') {
    return `mask = x.map((step) => step.some((value) => value !== ${numeral(stage.value)})) // true where a step counts\n    x = x.map((step, t) => mask[t] ? step : step.map(() => 0))`
  }
  const call = (x: string): string => `${stage.name}(${[...given, x].join(', ')})`
  if (stage.kind === 'recurrence' || stage.kind === 'both') return `x = ${call(stage.masked === false ? 'x' : 'x, mask')}`
  // A formula is of one list, and a lookup of one id, of each sequence.
  const depth = stage.kind === 'lookup' ? stage.rank - 1 : stage.rank - 2
  const each = (level: number): string => level === 0 ? call('x') : `x.map((x) => ${each(level - 1)})`
  const mask = stage.kind === 'lookup' && stage.masks ? 'mask = x.map((id) => id !== 0) // true where a step counts\n    ' : ''
  return `${mask}x = ${each(depth)}`
}

function functionsOf (stage: Stage, functions: Functions): string[] {
  switch (stage.kind) {
    case 'nothing':
    case 'masking': return []
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
  const { name, className, units, states, arrays, lines, backwards, sequences, masked } = cell
  const names = new Map<Expression, Variable>()
  const steps = lines.flatMap(({ name: own, result, gate }) => {
    const entries = new Entries(functions, names)
    const text = entries.list(result)
    names.set(result, variable(own, units))
    const lines = [...entries.before, `${gate === null ? '' : 'const '}${own} = ${text}`]
    return gate === null ? lines : [`// ${explained[`${className.replace('Cell', '')} ${gate}`]}`, ...lines]
  })
  const vector = functions.helper('vector')
  const given = masked === 'zeros' ? `${vector}(${units}, () => 0)` : 'h'
  const skipped = `    if (!mask[t]) { // ${states.join(' and ')} ${states.length > 1 ? 'stay as they are' : 'stays as it is'}\n${sequences ? `      outputs.push(${given})\n` : ''}      continue\n    }\n`
  return `/** ${className}: steps of features -> ${sequences ? `the state of ${units} units after every step` : `the state of ${units} units after the last step`}${backwards ? ' read, from the last to the first' : ''}. */
function ${name} (weights, sequence${masked === false ? '' : ', mask'}) {
${arrays.map((own) => `  const { ${own.join(', ')} } = weights\n`).join('')}${states.map((state) => `  let ${state} = ${vector}(${units}, () => 0)\n`).join('')}${sequences ? '  const outputs = []\n' : ''}  for (const ${masked === false ? 'x_t' : '[t, x_t]'} of ${masked === false ? 'sequence' : '[...sequence.entries()]'}${backwards ? '.toReversed()' : ''}) {
${masked === false ? '' : skipped}${steps.map((line) => `    ${line}\n`).join('')}${sequences ? '    outputs.push(h)\n  }\n  return outputs' : '  }\n  return h'}
}`
}

function both ({ name, forward, backward, merge, sequences, masked }: Both, functions: Functions): string {
  const mask = masked ? ', mask' : ''
  const chained = (cells: readonly Recurrence[], side: string): string => cells.reduce((inner, cell, n) => `${cell.name}(${side}_${n}, ${inner}${mask})`, 'sequence')
  const given = [...forward.map((_, n) => `forward_${n}`), ...backward.map((_, n) => `backward_${n}`)]
  const vector = functions.helper('vector')
  const entry = { sum: 'a[u] + b[u]', mul: 'a[u] * b[u]', ave: '(a[u] + b[u]) / 2' }
  const merged = merge === 'concat' ? '[...a, ...b]' : `${vector}(a.length, (u) => ${entry[merge]})`
  return `/** Bidirectional: the steps read in both directions. */
function ${name} (${given.join(', ')}, sequence${mask}) {
  const forward = ${chained(forward, 'forward')}
  const backward = ${chained(backward, 'backward')}${sequences ? '.toReversed() // in the order of the steps again' : ''}
  const merged = (a, b) => ${merged}
  return ${sequences ? 'forward.map((a, t) => merged(a, backward[t]))' : 'merged(forward, backward)'}
}`
}
