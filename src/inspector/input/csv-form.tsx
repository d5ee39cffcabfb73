import type { CsvChoices } from './csv.ts'

interface Props {
  readonly columns: readonly string[]
  readonly choices: CsvChoices
  readonly features: readonly string[]
  /** Whether the model reads a fixed number of steps, so that a long table becomes windows. */
  readonly fixed: boolean
  readonly onChange: (choices: CsvChoices) => void
}

/** How a table is read, for the reader to change. */
export function CsvForm ({ columns, choices, features, fixed, onChange }: Props) {
  const { delimiter = ',', decimal = '.', header = false, sequence = null, columns: used = [], windows = 'every' } = choices
  const pick = <Value extends string>(title: string, value: Value, options: readonly (readonly [Value, string])[], change: (value: Value) => CsvChoices) => (
    <label>{title}{' '}
      <select value={value} onChange={(event) => onChange(change(event.currentTarget.value as Value))}>
        {options.map(([own, shown]) => <option key={own} value={own}>{shown}</option>)}
      </select>
    </label>
  )
  const places = columns.map((name, n) => [String(n), name] as const)
  return (
    <fieldset class='csv'>
      <legend>How the table is read</legend>
      <div class='controls'>
        {pick('Between cells', delimiter, [[',', 'comma'], [';', 'semicolon'], ['\t', 'tab']], (value) => ({ delimiter: value }))}
        {pick('Decimal', decimal, [['.', 'point'], [',', 'comma']], (value) => ({ ...choices, decimal: value }))}
        {pick('Row 1', header ? 'names' : 'numbers', [['names', 'names'], ['numbers', 'numbers']], (value) => ({ ...choices, header: value === 'names', columns: undefined, sequence: undefined }))}
        {pick('Sequences by', sequence === null ? '' : String(sequence), [['', 'no column'], ...places], (value) => ({ ...choices, sequence: value === '' ? null : Number(value), columns: undefined }))}
        {fixed ? pick('Longer ones', windows, [['every', 'every window'], ['apart', 'windows side by side'], ['last', 'the last window']], (value) => ({ ...choices, windows: value })) : null}
      </div>
      {columns.length === 0
        ? null
        : (
          <div class='controls' role='group' aria-label='Columns'>
            {features.map((feature, n) => (
              <label key={n}>{feature}{' '}
                <select
                  value={used[n] === undefined ? '' : String(used[n])} onChange={(event) => {
                    const next = Array.from({ length: features.length }, (_, place) => used[place] ?? -1)
                    next[n] = Number(event.currentTarget.value)
                    onChange({ ...choices, columns: next })
                  }}
                >
                  {used[n] === undefined || used[n] < 0 ? <option value=''>choose a column</option> : null}
                  {places.map(([value, name]) => <option key={value} value={value}>{name}</option>)}
                </select>
              </label>
            ))}
          </div>
          )}
    </fieldset>
  )
}
