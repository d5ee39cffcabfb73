import { prefix } from '../../trace/v2.ts'

/** The JSON of an answer, as far as this side reads it. */
interface Outline { readonly outputs: readonly { readonly name: string, readonly datatype: string, readonly shape: readonly number[] }[] }

/** What the pool gives for an inference: the body, and the length of its JSON where bytes follow. */
export function bodyOf (answer: Buffer): { body: Buffer, length: number } {
  return { body: answer.subarray(prefix), length: new DataView(answer.buffer, answer.byteOffset).getUint32(0, true) }
}

/** The JSON of an answer that has tensors in bytes. */
export function inferred (answer: Buffer): { json: Outline } {
  const { body, length } = bodyOf(answer)
  return { json: JSON.parse(body.toString('utf8', 0, length)) as Outline }
}
