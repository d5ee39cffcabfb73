import { availableParallelism } from 'node:os'

export type Ort = typeof import('onnxruntime-node')

/** onnxruntime, which runs compiled plans. */
export interface OnnxRuntime { readonly ort: Ort, readonly version: string, readonly threads: number }

/** Loads it for one of `workers` threads; the reason where it cannot be had (a platform without a binary). */
export async function loadOnnx (workers: number): Promise<OnnxRuntime | { readonly reason: string }> {
  try {
    // A CommonJS module: its members are on the default export.
    const { default: ort } = await import('onnxruntime-node') as unknown as { default: Ort }
    return { ort, version: ort.env.versions.node ?? '', threads: Math.max(1, Math.floor(availableParallelism() / workers)) }
  } catch (error) {
    return { reason: `onnxruntime does not load: ${(error as Error).message}` }
  }
}
