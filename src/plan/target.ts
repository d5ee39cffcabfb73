import { Fault } from '../errors.ts'
import { refsIn } from '../layers/graph.ts'
import type { Graph, Layer, ModelFile } from '../model.ts'
import type { Meta } from '../registry/meta.ts'
import { needed } from './build.ts'
import type { Plan } from './plan.ts'

/** One number of a model's outputs, as a request names it. */
export interface Target {
  /** As the answer shows it. */
  readonly output: { readonly name: string, readonly index: number, readonly label?: string, readonly of: 'value' | 'logit' }
  /** Key in `Graph.layers` of a Dense layer whose output is wanted without its activation: the plan gives what it reads. Null: the plan gives the output itself. */
  readonly dense: string | null
}

/** A target, and the plan that gives it: the very same for the same words. */
export interface Targeted { readonly target: Target, readonly plan: Plan }

/** Far more than the outputs that are asked about; an index can be any number. */
const most = 256
const kept = new WeakMap<ModelFile, Map<string, Targeted>>()

const words = (names: readonly string[]): string => names.slice(0, 50).map((name) => JSON.stringify(name)).join(', ') + (names.length > 50 ? ` and ${names.length - 50} more` : '')

/** The labels of an output in statescope.json. */
function labelsOf ({ outputLabels }: Meta, name: string, outputs: number): readonly string[] {
  if (outputLabels === undefined) return []
  if (Array.isArray(outputLabels)) return outputs === 1 ? outputLabels as string[] : []
  return Object.hasOwn(outputLabels, name) ? (outputLabels as Record<string, string[]>)[name] : []
}

/**
 * The output that is meant by an index (of the first output), a label, an output's name (its first value), or `name/index` and `name/label`; and the plan that gives
 * it. Whether there is such an index shows when it is run. Throws `unknown_name`, and `invalid_value` for a logit of what has none.
 */
export function planTarget (file: ModelFile, meta: Meta, asked: number | string, of: 'value' | 'logit'): Targeted {
  const { graph } = file
  const known = kept.get(file) ?? new Map<string, Targeted>()
  kept.set(file, known)
  const key = JSON.stringify([asked, of])
  const targeted = known.get(key)
  if (targeted !== undefined) return targeted
  const { n, index } = find(graph, meta, asked)
  const { name, ref } = graph.outputs[n]
  const label = labelsOf(meta, name, graph.outputs.length)[index]
  const output = { name, index, ...(label === undefined ? {} : { label }), of }
  const { node, at, dense } = of === 'value' ? { node: ref.node, at: ref.index, dense: null } : beforeActivation(graph, n)
  const fresh: Targeted = { target: { output, dense }, plan: { nodes: needed(graph, [node]), layers: [], steps: 'all', outputs: [{ name, node, index: at }] } }
  if (known.size < most) known.set(key, fresh)
  return fresh
}

function find ({ outputs }: Graph, meta: Meta, asked: number | string): { n: number, index: number } {
  if (typeof asked === 'number') return { n: 0, index: asked }
  const labelled = outputs.flatMap(({ name }, n) => labelsOf(meta, name, outputs.length).flatMap((label, index) => label === asked ? [{ n, index }] : []))
  if (labelled.length === 1) return labelled[0]
  if (labelled.length > 1) {
    throw new Fault('unknown_name', `the label ${JSON.stringify(asked)} stands for ${labelled.length} values: say which, as ${words(labelled.map(({ n, index }) => `${outputs[n].name}/${index}`))}`, '/output')
  }
  for (const [n, { name }] of outputs.entries()) {
    if (asked === name) return { n, index: 0 }
    if (!asked.startsWith(`${name}/`)) continue
    const rest = asked.slice(name.length + 1)
    const index = /^\d{1,9}$/.test(rest) ? Number(rest) : labelsOf(meta, name, outputs.length).indexOf(rest)
    if (index >= 0) return { n, index }
  }
  const labels = outputs.flatMap(({ name }) => labelsOf(meta, name, outputs.length))
  throw new Fault('unknown_name', `there is no output ${JSON.stringify(asked)}: give an index from 0, ${labels.length === 0 ? '' : `a label (${words(labels)}), `}or a name (${words(outputs.map(({ name }) => name))}), alone or as NAME/INDEX`, '/output')
}

/** What a softmax or sigmoid at the end of a model is applied to. */
function beforeActivation (graph: Graph, n: number): { node: number, at: number, dense: string | null } {
  const { name, ref } = graph.outputs[n]
  const node = graph.nodes[ref.node]
  const layer = graph.layers[node.layer]
  const [read] = node.args.flatMap(refsIn)
  const ends = layer.className === 'Softmax' ? 'softmax' : activationOf(layer)
  if (ref.index === 0 && read !== undefined && (ends === 'softmax' || ends === 'sigmoid')) {
    if (layer.className === 'Softmax' || layer.className === 'Activation') return { node: read.node, at: read.index, dense: null }
    if (layer.className === 'Dense') return { node: read.node, at: read.index, dense: node.layer }
  }
  throw new Fault('invalid_value', `output ${JSON.stringify(name)} has no logit: it comes from layer ${JSON.stringify(node.key)} (${layer.className}${ends === null ? '' : `, ${ends}`}), ` +
    'not from a softmax or sigmoid of a Dense, Activation or Softmax layer; leave "of" out', '/of')
}

/** An activation's name, as old and new files have it; null for one with settings of its own. */
function activationOf ({ config: { activation } }: Layer): string | null {
  if (typeof activation === 'string') return activation
  const { config, class_name: className } = (activation ?? {}) as { config?: unknown, class_name?: unknown }
  return className === 'function' && typeof config === 'string' ? config : null
}
