/** What the page reads of the service's answers; openapi.yaml and the README have them whole. */

export interface Problem { readonly status: number, readonly code: string, readonly title: string, readonly detail: string, readonly pointer?: string }

export interface ModelLine { readonly id: string, readonly version: number, readonly status: string, readonly reason?: string, readonly description?: string, readonly recurrentLayers?: readonly string[] }

export interface RecurrentLayer {
  readonly key: string
  readonly type: string
  readonly units: number
  readonly gates: readonly string[]
  readonly states: readonly string[]
  readonly axes: readonly string[]
  readonly options: Readonly<Record<string, unknown>>
  /** Names of per-step and final tensors: `lstm/hidden`, `bi/forward/gates/input`. */
  readonly tensors: readonly string[]
}

/** A call of a layer: what it reads, and the shape of what it gives, where that is known without a run. */
export interface LayerCall {
  readonly key: string
  readonly inbound: readonly { readonly key: string, readonly output: number, readonly argument?: string }[]
  readonly shape?: readonly (number | null)[]
  readonly shapes?: readonly (readonly (number | null)[])[]
}

export interface LayerLine {
  readonly path: string
  readonly keys: readonly string[]
  readonly type: string
  readonly config: Readonly<Record<string, unknown>>
  readonly calls: readonly LayerCall[]
}

export interface TextInput {
  readonly alphabet: readonly string[]
  readonly encoding: 'one-hot' | 'ids'
  readonly lowercase?: boolean
  /** What a character outside the alphabet becomes, null a step of zeros; where there is none it is refused. `pad` the same, of what is put before a short text. */
  readonly unknown?: string | null
  readonly pad?: string | null
  readonly maxlen?: number
}

export interface ModelAnswer extends Omit<ModelLine, 'recurrentLayers'> {
  readonly format: string
  readonly kerasVersion?: string
  readonly digest: string
  readonly inputs: readonly { readonly name: string, readonly shape: readonly (number | null)[], readonly dtype: string, readonly tokens?: number }[]
  readonly outputs: readonly { readonly name: string, readonly layer: string, readonly output?: number, readonly labels?: readonly string[] }[]
  readonly recurrentLayers: readonly RecurrentLayer[]
  readonly layers: readonly LayerLine[]
  readonly features?: readonly string[]
  readonly text?: TextInput
  /** Whether the model has a scaler, so that `"raw": true` may be asked for. */
  readonly raw?: boolean
}

/** What `inputs` of a request may be: nested arrays, an array by name, `{"text": [...]}`, `{"shape", "data"}`. */
export type Inputs = unknown

export interface Receipt { readonly engine: string, readonly checked: readonly string[], readonly maxDifference: number, readonly tolerance: number, readonly sound: boolean, readonly warning?: string }

/** One tensor of an answer, in C order. */
export interface Tensor { readonly shape: readonly number[], readonly data: Float32Array | Uint8Array }

/** Tensors by the names of the contract (`lstm/gates/forget`), and what the answer says beside them. */
export interface Tensors { readonly tensors: ReadonlyMap<string, Tensor>, readonly metadata: Readonly<Record<string, string>> }
