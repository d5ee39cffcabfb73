/** What a config says, read and named in Keras 3's words, before the weights are found and nested models are taken apart. */

/** A layer, cell or model within a model. */
export interface LayerSpec {
  readonly name: string
  /** Canonical. */
  readonly className: string
  /** As the file has it: weights in `.keras` files are filed under it. */
  readonly savedClass: string
  readonly config: Readonly<Record<string, unknown>>
  readonly trainable: boolean
  /** By the roles of `Layer.children`. */
  readonly children: Readonly<Record<string, LayerSpec>>
  /** Of a nested model. */
  readonly model: ModelSpec | null
}

/** Output `index` of call `call` of a layer, counted from 0. */
export interface TensorSpec { readonly layer: number, readonly call: number, readonly index: number }

export type ArgumentSpec = { readonly tensor: TensorSpec } | { readonly list: readonly ArgumentSpec[] } | { readonly value: unknown }

export interface CallSpec {
  readonly args: readonly ArgumentSpec[]
  readonly kwargs: Readonly<Record<string, ArgumentSpec>>
}

export interface ModelSpec {
  readonly layers: readonly LayerSpec[]
  /** For each layer its calls; an InputLayer has one without arguments. */
  readonly calls: readonly (readonly CallSpec[])[]
  /** Places of the InputLayers in `layers`. */
  readonly inputs: readonly number[]
  readonly outputs: readonly TensorSpec[]
}

/** What the whole file says about its layers. */
export interface Origin {
  readonly keras: 1 | 2 | 3
  /** '2.2.4-tf'; null where the file does not say. */
  readonly version: string | null
}
