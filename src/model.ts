/**
 * What a Keras file becomes: plain data that crosses threads, no tensors. A nested model is flattened into the graph of the
 * model around it (paths kept); only a model inside a wrapper (`TimeDistributed(model)`) stays a graph of its own.
 */

/** A weight. Its values lie in shared memory, so every thread reads the same bytes. Row-major. */
export interface Weight {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/**
 * A layer with Keras 3's class name and config keys (`units`, `recurrent_activation`, `use_bias`, ...), whatever Keras wrote the
 * file. Values the file leaves out are filled in with the defaults of the file's own Keras, for every key that changes a result.
 */
export interface Layer {
  /** Names from the outermost model inwards, joined with `/`: `outer/inner/lstm`. Children: `bi/forward`, `td/<inner name>`, `rnn/cells/0`. */
  readonly path: string
  /** Canonical class (`LSTM`, never `CuDNNLSTM`: its weights are rearranged when the file is read). */
  readonly className: string
  readonly config: Readonly<Record<string, unknown>>
  /** By Keras' own short names (`kernel`, `recurrent_kernel`, `bias`, `gamma`, ...), in the order of Keras' `get_weights()`. */
  readonly weights: Readonly<Record<string, Weight>>
  /**
   * Layers inside this one, by role: Bidirectional `forward`, `backward`; TimeDistributed `layer`; RNN `cell`;
   * StackedRNNCells `0`, `1`, ...
   */
  readonly children: Readonly<Record<string, Layer>>
  /** The inner graph, for a wrapper's child that is a model (className `Functional`). */
  readonly graph?: Graph
}

/** One tensor of the graph: output `index` of node `node` (an index into `Graph.nodes`). */
export interface Ref { readonly node: number, readonly index: number }

/** What a call was given for one argument: a tensor, a list of them, or a plain value of the config. */
export type Argument = { readonly ref: Ref } | { readonly list: readonly Argument[] } | { readonly value: unknown }

/** One call of a layer. */
export interface Node {
  /** The layer's path, or `path:0`, `path:1` where the layer is called more than once. Unique. */
  readonly key: string
  /** A key of `Graph.layers`. */
  readonly layer: string
  /** Positional arguments: `inputs` first (a list where Keras was given a list). Empty for an InputLayer. */
  readonly args: readonly Argument[]
  /** Named arguments, Keras' own names (`initial_state`, `mask`, `value`, ...); None values are left out. */
  readonly kwargs: Readonly<Record<string, Argument>>
}

export interface Input {
  readonly name: string
  /** The InputLayer's node. */
  readonly node: number
  /** Batch first; null where the size is free. */
  readonly shape: readonly (number | null)[]
  readonly dtype: string
}

export interface Output { readonly name: string, readonly ref: Ref }

/** Nodes in an order in which each follows what it reads. */
export interface Graph {
  readonly inputs: readonly Input[]
  readonly outputs: readonly Output[]
  readonly nodes: readonly Node[]
  readonly layers: Readonly<Record<string, Layer>>
}

export type Format = 'keras' | 'h5' | 'tfjs'

/** A file read: what a format's reader gives. */
export interface ModelFile {
  readonly name: string
  readonly format: Format
  /** As the file says ('2.15.0'); null where it does not say. */
  readonly kerasVersion: string | null
  /** Whose rules its layers follow. */
  readonly keras: 1 | 2 | 3
  readonly graph: Graph
  /** Every layer path in the model's own order, with the keys in `Graph.layers` (what `layout=keras` lists). */
  readonly layerOrder: readonly string[]
  /** Things a reader of the answers should know ('mixed_float16: computed in float32'). */
  readonly notes: readonly string[]
  /** `sha256:...` over the very bytes that were read. */
  readonly digest: string
}

/** Float values with their shape: how arrays cross from one room to the next. Row-major. */
export interface Values {
  readonly shape: readonly number[]
  readonly data: Float32Array
}
