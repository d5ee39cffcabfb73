/** The numbers of a picture, in rows: what its CSV holds and what a screen reader reads. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
}

/** A table as CSV (RFC 4180): lines end in CR LF, numbers are the shortest decimals of their float32 or float64, null is empty. */
export function csvOf ({ columns, rows }: Table): string {
  return [columns, ...rows].map((row) => row.map(field).join(',')).join('\r\n') + '\r\n'
}

/** How many rows of a table of so many columns stand on the page, which is slow with more than some ten thousand cells; always enough to see what they are. */
export const rowsShown = (columns: number): number => Math.max(20, Math.min(200, Math.floor(20_000 / Math.max(1, columns))))

function field (value: string | number | null): string {
  if (value === null) return ''
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The shortest decimal that gives back the same float32: what the service's JSON says of it. */
export function float32 (value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return Number(value.toPrecision(9))
}

/** A number for the eye: four significant digits. */
export const shown = (value: string | number | null): string => typeof value === 'number' ? (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))) : value ?? ''
