import type * as tfCore from '@tensorflow/tfjs-core'
import type { Graph, Layer } from '../model.ts'
import { eagerOps } from '../ops/eager/ops.ts'
import type { Engine } from '../ops/engine.ts'
import type { Resident, Runtime } from './runtime.ts'

type Tensor = tfCore.Tensor

/** tfjs-node or wasm as an engine. */
export function eagerRuntime ({ tf, name }: Engine): Runtime<Tensor> {
  return {
    ops: eagerOps(tf, name),
    read: (x) => {
      const data = x.dataSync<'float32' | 'int32' | 'bool'>()
      return { shape: x.shape, data: data instanceof Float32Array ? data : Float32Array.from(data) }
    },
    scope: <R>(work: () => R): R => {
      // tf.tidy gives back tensors only; what a run gives back is plain data.
      tf.engine().startScope()
      try {
        return work()
      } finally {
        tf.engine().endScope()
      }
    }
  }
}

/** Puts a model's weights on the engine, to stay until disposed of. */
export function reside ({ tf }: Engine, graph: Graph): Resident<Tensor> {
  const weights = new Map<string, Record<string, Tensor>>()
  const add = (layer: Layer): void => {
    weights.set(layer.path, Object.fromEntries(Object.entries(layer.weights).map(([name, { data, shape }]) => [name, tf.keep(tf.tensor(data, [...shape], 'float32'))])))
    Object.values(layer.children).forEach(add)
    if (layer.graph !== undefined) Object.values(layer.graph.layers).forEach(add)
  }
  Object.values(graph.layers).forEach(add)
  return {
    weightsOf: ({ path }) => weights.get(path)!,
    dispose: () => {
      for (const tensors of weights.values()) tf.dispose(tensors)
      weights.clear()
    }
  }
}
