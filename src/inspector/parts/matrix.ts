/** An array as a matrix: its last axis in columns, those before it in rows. */
export interface Matrix { readonly rows: readonly string[], readonly columns: readonly string[], readonly axes: readonly [row: string, column: string] }

/** How an array is laid out, with the features named where the names are known. */
export function matrixOf ({ shape, axes = shape.map((_, axis) => `axis ${axis}`) }: { readonly shape: readonly number[], readonly axes?: readonly string[] }, features: readonly string[] | null): Matrix {
  const named = shape.map((size, axis) => Array.from({ length: size }, (_, n) => axes[axis] === 'feature' && features?.length === size ? features[n] : String(n)))
  const before = axes.slice(0, -1)
  return {
    rows: named.slice(0, -1).reduce<string[]>((all, names) => all.flatMap((start) => names.map((name) => start === '' ? name : `${start}, ${name}`)), ['']),
    columns: named.at(-1) ?? [''],
    // The recurrent arrays go from the units of the step before to those of this one.
    axes: [before.at(-1) === 'unit' ? [...before.slice(0, -1), 'unit before'].join(', ') : before.join(', '), axes.at(-1) ?? '']
  }
}
