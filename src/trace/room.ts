/** Smaller memory is as well asked for anew. */
const smallest = 2 ** 16
/** How much a thread keeps: what is not asked for again soon would only stay. */
const [most, mostPieces] = [2 ** 26, 8]

/** Memory of answers that have been sent, of this thread. */
const kept: SharedArrayBuffer[] = []

/**
 * Memory for an answer of so many bytes or more, with whatever it held before in it. Large memory is shared between threads, and used again: both sides
 * of the pool see it where it lies. New memory costs more than what is written there, as the system clears each page; and what is moved between
 * threads counts as new on the other side, where the garbage collector then runs every few answers (a third of the time of 10 MiB of JSON).
 */
export function room (bytes: number): Uint8Array {
  if (bytes < smallest) return new Uint8Array(bytes)
  let best = -1
  for (const [n, { byteLength }] of kept.entries()) {
    const fits = byteLength >= bytes && byteLength <= 4 * bytes
    if (fits && (best < 0 || byteLength < kept[best].byteLength)) best = n
  }
  return new Uint8Array(best < 0 ? new SharedArrayBuffer(bytes) : kept.splice(best, 1)[0])
}

/** Memory that nobody reads any more; the oldest makes room. */
export function giveBack (buffers: readonly SharedArrayBuffer[]): void {
  kept.push(...buffers)
  let bytes = kept.reduce((sum, { byteLength }) => sum + byteLength, 0)
  while (bytes > most || kept.length > mostPieces) bytes -= kept.shift()!.byteLength
}
