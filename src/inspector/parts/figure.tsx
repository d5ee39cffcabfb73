import { useMemo, useRef, useState } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import { curlOf, type Call } from '../api/call.ts'
import { csvOf, rowsShown, shown, type Table } from './table.ts'
import { FigureContext, save, type FigureHandle, type Picture } from './picture.ts'

interface Props {
  /** Names the files and its place in the page too; what is no letter, digit or hyphen becomes something that is. */
  readonly name: string
  readonly title: string
  /** One or two sentences: what is seen, and how to read it. */
  readonly note?: ComponentChildren
  /** The request whose answer has these numbers, or the requests where they come from several. */
  readonly call: Call | readonly Call[]
  /** All numbers of the picture. */
  readonly table: () => Table
  readonly children: ComponentChildren
}

/** A picture with its title, its numbers as a table, and the ways to take it along: PNG, SVG, CSV and the curl that gives the same. */
export function Figure ({ name: given, title, note, call, table, children }: Props) {
  const name = given.replaceAll('/', '-').replaceAll(/[^\w-]/gu, (sign) => `_${sign.codePointAt(0)!.toString(16)}`)
  const pictures = useRef<Picture[]>([])
  const handle = useMemo<FigureHandle>(() => ({
    add: (picture) => {
      pictures.current.push(picture)
      return () => { pictures.current = pictures.current.filter((other) => other !== picture) }
    }
  }), [])
  const fileName = (n: number, ending: string): string => `${name}${pictures.current.length > 1 ? `-${n + 1}` : ''}.${ending}`
  const savePng = (): void => pictures.current.forEach(async (picture, n) => save(fileName(n, 'png'), await picture.png()))
  const saveSvg = (): void => pictures.current.forEach((picture, n) => save(fileName(n, 'svg'), new Blob([picture.svg()], { type: 'image/svg+xml' })))
  return (
    <figure class='figure' id={name} aria-labelledby={`${name}-title`}>
      <figcaption>
        <h2 id={`${name}-title`}>{title}</h2>
        {note === undefined ? null : <p class='note'>{note}</p>}
      </figcaption>
      <FigureContext.Provider value={handle}>{children}</FigureContext.Provider>
      <div class='takeaway' role='group' aria-label={`Take along: ${title}`}>
        <button type='button' onClick={savePng}>PNG</button>
        <button type='button' onClick={saveSvg}>SVG</button>
        <button type='button' onClick={() => save(`${name}.csv`, new Blob([csvOf(table())], { type: 'text/csv' }))}>CSV</button>
        <Numbers table={table} title={title} />
        <Curl call={call} />
      </div>
    </figure>
  )
}

function Numbers ({ table, title }: { table: () => Table, title: string }) {
  const [open, setOpen] = useState(false)
  const { columns, rows } = open ? table() : { columns: [], rows: [] }
  const most = rowsShown(columns.length)
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Numbers</summary>
      <div class='scroll' tabIndex={0} role='region' aria-label={`Numbers: ${title}`}>
        <table>
          <thead><tr>{columns.map((column, n) => <th key={n} scope='col'>{column}</th>)}</tr></thead>
          <tbody>
            {rows.slice(0, most).map((row, n) => (
              <tr key={n}>{row.map((value, m) => <td key={m} data-value={value ?? ''}>{shown(value)}</td>)}</tr>
            ))}
          </tbody>
        </table>
        {rows.length > most ? <p>{rows.length - most} more rows are in the CSV.</p> : null}
      </div>
    </details>
  )
}

function Curl ({ call }: { call: Call | readonly Call[] }) {
  const [open, setOpen] = useState(false)
  const text = open ? [call].flat().map(curlOf).join('\n\n') : ''
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>curl</summary>
      <pre tabIndex={0} role='region' aria-label='curl'><code>{text}</code></pre>
      <button type='button' onClick={async () => await navigator.clipboard?.writeText(text)}>Copy</button>
    </details>
  )
}
