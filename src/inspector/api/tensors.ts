import { Refusal, send, type Call } from './call.ts'
import type { Tensor, Tensors } from './wire.ts'

export type { Tensor, Tensors }

interface Entry { readonly dtype: string, readonly shape: readonly number[], readonly data_offsets: readonly [number, number] }

/** Asks `call` in safetensors, which reaches typed arrays without a tree of lists. Throws as `ask`. */
export async function askTensors (call: Call, signal?: AbortSignal): Promise<Tensors> {
  return readSafetensors(await (await send({ ...call, accept: 'application/vnd.safetensors' }, signal)).arrayBuffer())
}

/** Reads a safetensors file (huggingface/safetensors, "Format": a 64-bit length, a JSON header, bytes). By hand: its packages for browsers bring a hub's client along. */
export function readSafetensors (file: ArrayBuffer): Tensors {
  const length = Number(new DataView(file).getBigUint64(0, true))
  const { __metadata__: metadata = {}, ...entries } = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length))) as Record<string, Entry> & { __metadata__?: Record<string, string> }
  const tensors = Object.entries(entries).map(([name, { dtype, shape, data_offsets: [from, to] }]): [string, Tensor] => {
    const bytes = file.slice(8 + length + from, 8 + length + to)
    if (dtype === 'F32') return [name, { shape, data: new Float32Array(bytes) }]
    if (dtype === 'BOOL' || dtype === 'U8') return [name, { shape, data: new Uint8Array(bytes) }]
    throw new Refusal(`The page cannot show a tensor of ${dtype}.`)
  })
  return { tensors: new Map(tensors), metadata }
}
