import { plainOps } from '../../src/ops/plain/ops.ts'

/** Activations that look at a unit's neighbours too: their equations are no functions of one number. */
export const wide: readonly unknown[] = ['softmax', 'Softmax', 'log_softmax', 'glu', 'sparsemax']

/** The text of an equation as a function: Python's `a if c else b` becomes JavaScript's, from the innermost brackets out. */
export function compiled (text: string): (x: number) => number {
  const choose = (part: string): string => {
    const found = /^(.*?) if (.*?) else (.*)$/.exec(part)
    return found === null ? part : `((${found[2]}) ? (${found[1]}) : (${choose(found[3])}))`
  }
  const done: string[] = []
  let rest = text
  for (let inner = /\(([^()]*)\)/.exec(rest); inner !== null; inner = /\(([^()]*)\)/.exec(rest)) {
    done.push(`(${inner[1].split(',').map(choose).join(',')})`)
    rest = rest.replace(inner[0], `#${done.length - 1}#`)
  }
  let code = choose(rest)
  while (/#\d+#/.test(code)) code = code.replace(/#(\d+)#/g, (_, n) => done[n])
  const { max, min, exp, log, tanh, abs, sqrt } = Math
  const erf = (x: number): number => plainOps().unary('erf', { shape: [], data: Float64Array.of(x) }).data[0]
  // eslint-disable-next-line no-new-func -- the test's own equations
  return new Function('max', 'min', 'exp', 'log', 'tanh', 'abs', 'sqrt', 'erf', `return (x) => ${code}`)(max, min, exp, log, tanh, abs, sqrt, erf)
}
