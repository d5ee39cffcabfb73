import type { Call, Expression, Variable } from './expression.ts'
import { Functions } from './functions.ts'
import { literal, numeral } from './literal.ts'
import { levels, print, whole, within, type Words } from './print.ts'
import type { Program, Stage } from './program.ts'
import type { Formula } from './formula.ts'
import { explained } from './explained.ts'
import type { Both, Recurrence } from './recurrence.ts'

/** NumPy's own words; those that it lacks are in `helpers`. */
const numpy: Readonly<Record<string, string>> = Object.fromEntries(['abs', 'square', 'sqrt', 'exp', 'expm1', 'tanh', 'minimum', 'maximum'].map((name) => [name, `np.${name}`]))

const helpers: Readonly<Record<string, string>> = {
  sigmoid: `def sigmoid(x):
    with np.errstate(over='ignore'):  # exp(-x) may be infinite: the result is 0 then
        return 1 / (1 + np.exp(-x))`,
  relu: `def relu(x):
    return np.maximum(x, 0)`,
  softplus: `def softplus(x):
    return np.logaddexp(x, 0)  # log(exp(x) + 1)`,
  erf: 'erf = np.vectorize(math.erf, otypes=[float])',
  softmax: `def softmax(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)`
}

function wordsOf (functions: Functions, names: ReadonlyMap<Expression, Variable> = new Map()): Words {
  const words: Words = {
    names,
    variable: ({ name }) => name,
    product: (a, matrix) => ({ text: `${within(print(a, words), levels.sign)} @ ${print(matrix, words).text}`, level: levels.product }),
    softmax: (x) => `${functions.helper('softmax')}(${print(x, words).text})`,
    choice: (condition, yes, no) => whole(`np.where(${condition.text}, ${yes.text}, ${no.text})`),
    word: (name) => numpy[name] ?? functions.helper(name),
    define: ({ name, body }: Call) => functions.define(name, (own) => `def ${own}(x):\n    return ${print(body, wordsOf(functions)).text}`)
  }
  return words
}

/** The program in plain NumPy. */
export function python (program: Program): string {
  const { id, version, digest, shape, stages } = program
  const functions = new Functions(helpers)
  const layers = stages.flatMap((stage) => functionsOf(stage, functions))
  const calls = stages.map(callOf)
  const standard = ['json', ...functions.has('erf') ? ['math'] : [], 'sys'].map((name) => `import ${name}`).join('\n')
  return `"""What ${id}, version ${version}, computes, step by step, with nothing but NumPy.

    python decode.py weights.json inputs.json

weights.json is the answer to GET /models/${id}/weights?version=${version}, inputs.json the nested list that is the "inputs" of a POST /predict.
Prints what /predict answers, computed in float64 from the same float32 numbers.

In the formulas * is element by element and @ the product with a matrix. The same arrays serve every step.
"""
${standard}

import numpy as np

DIGEST = ${literal(digest, 'python')}  # of the model that this program was written for
SHAPE = [${shape.map((size) => size ?? 'None').join(', ')}]  # of its input; None: any size


def arrays(weights, *place):
    """The arrays of one layer by their names. The decimals of the JSON stand for float32 numbers."""
    layer = weights['layers']
    for name in place:
        layer = layer[name]
    return {name: np.array(array['data'], np.float32).astype(float) for name, array in layer['weights'].items()}


def checked(weights, inputs):
    """The inputs as an array, if both fit the model: a wrong number would look like a right one."""
    if weights.get('digest', DIGEST) != DIGEST:
        raise ValueError('these are the weights of another model, or of another version of it')
    if weights.get('nonFinite', 0) > 0:
        raise ValueError('some weights are not finite: JSON cannot hold them')
    x = np.array(inputs, np.float32).astype(float)
    if x.ndim != len(SHAPE) or any(size is not None and size != given for size, given in zip(SHAPE, x.shape)):
        raise ValueError(f'the inputs have the shape {list(x.shape)}, the model takes {SHAPE}')
    if np.isnan(x).any():
        raise ValueError('some inputs are not numbers')
    return x


${[...functions.texts(), ...layers].map((text) => `${text}\n\n\n`).join('')}def predict(weights, inputs):
    x = checked(weights, inputs)
${calls.map((line) => `    ${line}\n`).join('')}    return x


if __name__ == '__main__':
    with open(sys.argv[1]) as weights, open(sys.argv[2]) as inputs:
        print(json.dumps(predict(json.load(weights), json.load(inputs)).tolist(), allow_nan=False))
`
}

const arraysAt = (place: readonly string[]): string => `arrays(weights, ${place.map((name) => literal(name, 'python')).join(', ')})`

function callOf (stage: Stage): string {
  switch (stage.kind) {
    case 'nothing': return `# ${stage.className}: nothing, outside of training`
    case 'masking': return `mask = (x != ${numeral(stage.value)}).any(axis=-1)  # True where a step counts\n    x = np.where(mask[..., None], x, 0)`
    case 'lookup': return `${stage.masks ? 'mask = x != 0  # True where a step counts\n    ' : ''}x = ${stage.name}(${arraysAt(stage.place)}, x)`
    case 'recurrence': return `x = ${stage.name}(${arraysAt(stage.place)}, x${stage.masked === false ? '' : ', mask'})`
    case 'both': return `x = ${stage.name}(${[...stage.forward, ...stage.backward].map(({ place }) => arraysAt(place)).join(', ')}, x${stage.masked ? ', mask' : ''})`
    case 'formula': return `x = ${stage.name}(${stage.arrays.length === 0 ? '' : `${arraysAt(stage.place)}, `}x)`
  }
}

function functionsOf (stage: Stage, functions: Functions): string[] {
  switch (stage.kind) {
    case 'nothing':
    case 'masking': return []
    case 'lookup': return [`def ${stage.name}(weights, x):
    """Embedding: a row of numbers for each id."""
    embeddings = weights['embeddings']
    if ((x < 0) | (x >= len(embeddings)) | (x != np.floor(x))).any():
        raise ValueError(f'ids are whole numbers from 0 to {len(embeddings) - 1}')
    return embeddings[x.astype(int)]`]
    case 'formula': return [formula(stage, functions)]
    case 'recurrence': return [recurrence(stage, functions)]
    case 'both': return [...stage.forward, ...stage.backward].map((cell) => recurrence(cell, functions)).concat(both(stage))
  }
}

/** `a, b = weights['a'], weights['b']` */
const unpacked = (names: readonly string[]): string => `    ${names.join(', ')} = ${names.map((name) => `weights['${name}']`).join(', ')}\n`

function formula ({ name, className, arrays, result }: Formula, functions: Functions): string {
  return `def ${name}(${arrays.length === 0 ? 'x' : 'weights, x'}):
    """${explained[className] ?? className}."""
${arrays.length === 0 ? '' : unpacked(arrays)}    return ${print(result, wordsOf(functions)).text}`
}

function recurrence (cell: Recurrence, functions: Functions): string {
  const { name, className, units, states, arrays, lines, backwards, sequences, masked } = cell
  const names = new Map<Expression, Variable>()
  const steps = lines.map(({ name: own, result, gate }) => {
    const text = print(result, wordsOf(functions, names)).text
    const line = `        ${own} = ${gate === null && masked !== false ? `np.where(seen, ${text}, ${own})` : text}`
    names.set(result, { kind: 'variable', name: own, size: units })
    return gate === null ? line : `${line}  # ${explained[`${className.replace('Cell', '')} ${gate}`]}`
  })
  const zeros = `np.zeros((len(x), ${units}))`
  return `def ${name}(weights, x${masked === false ? '' : ', mask'}):
    """${className}: x [batch, step, feature] -> ${sequences ? `[batch, step, ${units}], the state after every step` : `[batch, ${units}], the state after the last step`}${backwards ? ' read, from the last to the first' : ''}."""
${arrays.map(unpacked).join('')}    ${states.join(' = ')} = ${zeros}
${sequences ? '    outputs = []\n' : ''}    for t in ${backwards ? 'reversed(range(x.shape[1]))' : 'range(x.shape[1])'}:
        x_t = x[:, t]
${masked === false ? '' : `        seen = mask[:, t, None]  # where it is False, ${states.join(' and ')} ${states.length > 1 ? 'stay as they are' : 'stays as it is'}\n`}${steps.join('\n')}
${sequences ? `        outputs.append(${masked === 'zeros' ? 'np.where(seen, h, 0)' : 'h'})\n    return np.stack(outputs, axis=1)` : '    return h'}`
}

function both ({ name, forward, backward, merge, sequences, masked }: Both): string {
  const mask = masked ? ', mask' : ''
  const chained = (cells: readonly Recurrence[], side: string): string => cells.reduce((inner, cell, n) => `${cell.name}(${side}_${n}, ${inner}${mask})`, 'x')
  const given = [...forward.map((_, n) => `forward_${n}`), ...backward.map((_, n) => `backward_${n}`)]
  const merged = {
    concat: 'np.concatenate([forward, backward], axis=-1)', sum: 'forward + backward', mul: 'forward * backward', ave: '(forward + backward) / 2'
  }[merge]
  return `def ${name}(${given.join(', ')}, x${mask}):
    """Bidirectional: the steps read in both directions."""
    forward = ${chained(forward, 'forward')}
    backward = ${chained(backward, 'backward')}${sequences ? '[:, ::-1]  # in the order of the steps again' : ''}
    return ${merged}`
}
