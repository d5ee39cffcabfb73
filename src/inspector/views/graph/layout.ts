import { Graph, layout } from '@dagrejs/dagre'
import type { ModelAnswer } from '../../api/wire.ts'

/** A call of a layer as it is drawn. */
export interface Box { readonly key: string, readonly type: string, readonly shape: string, readonly x: number, readonly y: number, readonly width: number, readonly height: number }

/** From what gives to what reads. */
export interface Wire { readonly from: string, readonly to: string, readonly label: string, readonly points: readonly { readonly x: number, readonly y: number }[] }

export interface Drawing { readonly width: number, readonly height: number, readonly boxes: readonly Box[], readonly wires: readonly Wire[] }

const boxHeight = 58
/** Of the page's font, in pixels: names are cut before they leave their box. */
const letter = 7.6
const longest = 34

/** A name that fits a box. */
export const cut = (name: string): string => name.length > longest ? `${name.slice(0, 12)}…${name.slice(13 - longest)}` : name

/** A shape in words: `batch, 7, 32`; a size that a request decides is `any`. */
export const shapeWords = (shape: readonly (number | null)[] | undefined): string => shape === undefined ? 'known in a run' : shape.map((size, axis) => size ?? (axis === 0 ? 'batch' : 'any')).join(' × ')

/** The calls of a model from its inputs down, each with what it reads. Several tensors between the same two are one wire. */
export function drawingOf ({ layers }: Pick<ModelAnswer, 'layers'>): Drawing {
  const calls = layers.flatMap(({ type, calls }) => calls.map((call) => ({ type, ...call })))
  const graph = new Graph()
  graph.setGraph({ rankdir: 'TB', nodesep: 24, ranksep: 44, marginx: 8, marginy: 8 })
  // By number: the library keeps nodes as members of an object, and a layer may be called constructor.
  const nodes = new Map(calls.map(({ key }, n) => [key, `n${n}`]))
  const nodeOf = (key: string): string => nodes.get(key)!
  for (const { key, type, shape } of calls) {
    graph.setNode(nodeOf(key), { width: 28 + letter * Math.max(14, ...[key, type, shapeWords(shape)].map((name) => cut(name).length)), height: boxHeight })
  }
  const labels = new Map<string, { from: string, to: string, words: Set<string> }>()
  for (const { key, inbound } of calls) {
    for (const { key: from, argument } of inbound) {
      const wire = labels.get(JSON.stringify([from, key])) ?? { from, to: key, words: new Set<string>() }
      labels.set(JSON.stringify([from, key]), wire)
      if (argument !== undefined) wire.words.add(argument)
    }
  }
  for (const { from, to, words } of labels.values()) {
    const label = [...words].join(', ')
    graph.setEdge(nodeOf(from), nodeOf(to), { width: label === '' ? 0 : letter * label.length, height: label === '' ? 0 : 16, labelpos: 'c' })
  }
  layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { width?: number, height?: number }
  return {
    width,
    height,
    boxes: calls.map(({ key, type, shape }) => {
      const { x, y, width, height } = graph.node(nodeOf(key)) as { x: number, y: number, width: number, height: number }
      return { key, type, shape: shapeWords(shape), x, y, width, height }
    }),
    wires: [...labels.values()].map(({ from, to, words }) => ({ from, to, label: [...words].join(', '), points: (graph.edge(nodeOf(from), nodeOf(to)) as { points: Wire['points'] }).points }))
  }
}
