import { number } from '../layers/config.ts'
import { refsIn } from '../layers/graph.ts'
import type { Graph, Layer, Node, Ref } from '../model.ts'
import { refuse } from './refuse.ts'

/** The tensor that a mask is made from, and the value that is masked in it: a number in every entry of a step, or an id. */
export interface Maker { readonly from: Ref, readonly value: number, readonly steps: boolean }

export function makerOf (layer: Layer, { args }: Node): Maker {
  const [from] = args.flatMap(refsIn)
  return layer.className === 'Masking' ? { from, value: number(layer, 'mask_value'), steps: true } : { from, value: 0, steps: false }
}

/** Keras 3 hands masks to layers by name, computed by nodes of their own. Throws where such a mask is not the one that holds in the chain anyway. */
export function refuseOtherMasks ({ nodes, layers }: Graph, { kwargs }: Node, mask: Maker | null): void {
  const given = kwargs.mask === undefined ? [] : refsIn(kwargs.mask)
  if (given.length === 0) return
  const first = nodes[given[0].node]
  const { className, config } = layers[first.layer]
  const steps = className === 'ops.Any' && [-1, 2].includes([config.axis].flat()[0] as number) && config.keepdims !== true
  const [inner] = first.args.flatMap(refsIn)
  const node = steps && inner !== undefined ? nodes[inner.node] : first
  const [from] = node.args.flatMap(refsIn)
  const value = node.args[1]
  const same = mask !== null && given.length === 1 && layers[node.layer].className === 'ops.NotEqual' && steps === mask.steps &&
    from?.node === mask.from.node && from.index === mask.from.index && value !== undefined && 'value' in value && value.value === mask.value
  if (!same) refuse('it is given a mask that is not that of the layers before it')
}
