import { useEffect, useRef, useState } from 'preact/hooks'
import type { ModelAnswer } from '../api/wire.ts'
import { CsvUnreadable, type CsvChoices, type CsvReading } from './csv.ts'
import { CsvForm } from './csv-form.tsx'
import { ModelFile } from './model-file.tsx'
import { readSource, sourceOf, sourceOfPasted, type Source } from './open.ts'
import { Unreadable, type Reading } from './reading.ts'

interface Props { readonly model: ModelAnswer, readonly onRead: (reading: Reading, name: string) => void }

interface Table { readonly columns: readonly string[], readonly choices: CsvChoices }

/** Where a reader gives inputs of their own: a file (opened, or dropped anywhere on the page), pasted numbers, typed text. */
export function Give ({ model, onRead }: Props) {
  const [source, setSource] = useState<Source | null>(null)
  const [file, setFile] = useState<File | null>(null)
  const [table, setTable] = useState<Table | null>(null)
  const [problem, setProblem] = useState('')
  const pasted = useRef<HTMLTextAreaElement>(null)
  const typed = useRef<HTMLTextAreaElement>(null)
  const details = useRef<HTMLDetailsElement>(null)

  const read = (from: Source, choices?: CsvChoices): void => {
    setSource(from)
    setProblem('')
    if (from.kind !== 'csv') setTable(null)
    if (from.kind === 'model') return
    try {
      const reading = readSource(from, model, choices)
      if ('choices' in reading) setTable(tableOf(reading))
      onRead(reading, from.name)
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      if (error instanceof CsvUnreadable) setTable({ columns: error.columns, choices: error.choices })
      setProblem(error.message)
    }
  }
  const open = async (file: File): Promise<void> => {
    details.current!.open = true
    setFile(file)
    try {
      read(sourceOf(file.name, new Uint8Array(await file.arrayBuffer()), model))
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      setTable(null)
      setSource(null)
      setProblem(`${file.name}: ${error.message}`)
    }
  }
  useEffect(() => {
    const over = (event: DragEvent): void => event.preventDefault()
    const drop = (event: DragEvent): void => {
      const files = [...event.dataTransfer?.files ?? []]
      if (files.length === 0) return
      event.preventDefault()
      if (files.length > 1) setProblem(`${files.length} files were dropped: one at a time, please.`)
      else open(files[0])
    }
    document.addEventListener('dragover', over)
    document.addEventListener('drop', drop)
    return () => {
      document.removeEventListener('dragover', over)
      document.removeEventListener('drop', drop)
    }
  }, [model])

  const [{ shape }] = model.inputs
  const width = shape.length === 3 ? shape[2] : 1
  const features = Array.from({ length: width ?? table?.choices.columns?.length ?? 0 }, (_, n) => model.features?.length === width ? model.features[n] : shape.length === 2 ? 'token id' : `feature ${n}`)
  return (
    <details class='give' ref={details}>
      <summary>Give other inputs</summary>
      <p>
        <label>Open a file{' '}
          <input
            type='file' accept='.csv,.tsv,.txt,.json,.ndjson,.jsonl,.npz,.npy,.h5,.hdf5,.keras' onChange={(event) => {
              const [file] = event.currentTarget.files ?? []
              event.currentTarget.value = ''
              if (file !== undefined) open(file)
            }}
          />
        </label>
        {' '}<small>or drop one anywhere on the page: CSV, JSON, NDJSON, npz{model.text === undefined ? '' : ', txt'}</small>
      </p>
      {model.text === undefined
        ? null
        : (
          <form onSubmit={(event) => { event.preventDefault(); read({ kind: 'text', name: 'typed text', text: typed.current!.value }) }}>
            <label>Text{model.text.alphabet.includes('\n') ? '' : ', each line a sequence'}<textarea ref={typed} rows={3} required /></label>
            <button type='submit'>Use this text</button>
          </form>
          )}
      <form onSubmit={(event) => { event.preventDefault(); read(sourceOfPasted(pasted.current!.value)) }}>
        <label>Numbers as CSV (a row is a step) or JSON<textarea ref={pasted} rows={3} required /></label>
        <button type='submit'>Use these numbers</button>
      </form>
      {source?.kind === 'model' ? <ModelFile name={source.name} file={file} /> : null}
      {problem === '' ? null : <p class='error' role='alert'>{problem} The inputs stay as they were.</p>}
      {source?.kind === 'csv' && table !== null
        ? <CsvForm {...table} features={features} fixed={shape[1] !== null} onChange={(choices) => read(source, choices)} />
        : null}
    </details>
  )
}

const tableOf = ({ columns, choices }: CsvReading): Table => ({ columns, choices })
