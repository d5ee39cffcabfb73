import { useEffect, useErrorBoundary } from 'preact/hooks'
import { ask, locked } from './api/call.ts'
import { useAsk } from './api/use-ask.ts'
import type { ModelAnswer, ModelLine } from './api/wire.ts'
import { scheme } from './charts/theme.ts'
import { InputBar } from './input/input-bar.tsx'
import { Token } from './parts/token.tsx'
import { ErrorNote, Waiting } from './parts/waiting.tsx'
import { given, model, models, uploads } from './state/model.ts'
import { go, link, modelId, open, param } from './state/url.ts'
import { views } from './views/table.ts'
import type { View, ViewProps } from './views/view.ts'

/** The whole page: which model, which inputs, which view of them. */
export function Page () {
  const listed = useAsk('models', (signal) => ask<{ models: ModelLine[], uploads?: boolean }>({ method: 'GET', path: 'models' }, signal))
  useEffect(() => {
    if (listed.answer === null) return
    models.value = listed.answer.models
    uploads.value = listed.answer.uploads === true
    // Where none is ready the first one says why.
    const first = listed.answer.models.find(({ status }) => status === 'ready') ?? listed.answer.models[0]
    if (modelId.value === '' && first !== undefined) go({ model: first.id })
  }, [listed.answer])
  return (
    <>
      <a class='skip' href='#view' onClick={toView}>To the pictures</a>
      <header>
        <h1>statescope</h1>
        <ModelPicker />
        <Scheme />
        <a href='docs'>API</a>
      </header>
      {locked.value ? <Token /> : <>{listed.error === null ? null : <ErrorNote error={listed.error} again={listed.again} />}<Opened /></>}
    </>
  )
}

/** What follows # in the address is the inputs: the link moves the focus alone. */
function toView (event: Event): void {
  event.preventDefault()
  document.getElementById('view')?.focus()
}

function ModelPicker () {
  const list = models.value ?? []
  return (
    <label>Model{' '}
      <select value={modelId.value} onChange={(event) => open(event.currentTarget.value)}>
        {list.some(({ id }) => id === modelId.value) ? null : <option value={modelId.value}>{modelId.value}</option>}
        {list.filter(({ id }, n) => list.findIndex((other) => other.id === id) === n)
          .map(({ id, status }) => <option key={id} value={id}>{status === 'ready' ? id : `${id} (${status})`}</option>)}
      </select>
    </label>
  )
}

function Scheme () {
  return (
    <label>Colours{' '}
      <select value={scheme.value} onChange={(event) => { scheme.value = event.currentTarget.value as typeof scheme.value }}>
        <option value='system'>as the system</option>
        <option value='light'>light</option>
        <option value='dark'>dark</option>
      </select>
    </label>
  )
}

/** The model of the address, with its inputs and a view of them. */
function Opened () {
  const id = modelId.value
  const version = param('version')
  const path = `models/${encodeURIComponent(id)}${version === '' ? '' : `?version=${encodeURIComponent(version)}`}`
  const asked = useAsk(id === '' ? null : path, (signal) => ask<ModelAnswer>({ method: 'GET', path }, signal))
  useEffect(() => {
    model.value = asked.answer
    given.value = null
  }, [asked.answer])
  if (id === '') return <main id='view' tabIndex={-1}><p>{models.value === null ? '' : 'The service has no model yet: start it with a file, npm start -- my.h5.'}</p></main>
  if (asked.answer === null || model.value !== asked.answer) return <main id='view' tabIndex={-1}><Waiting of={asked} what={`Opening ${id}`} /></main>
  return <Views of={asked.answer} />
}

/** A view; one that fails says so, and the rest of the page stays. */
function Guarded ({ view: { Component }, ...props }: ViewProps & { view: View }) {
  const [error, reset] = useErrorBoundary((error) => console.error(error)) as [Error | undefined, () => void]
  if (error !== undefined) return <p class='error' role='alert'>This view has a fault: {error.message} <button type='button' onClick={reset}>Try again</button></p>
  return <Component {...props} />
}

function Views ({ of }: { of: ModelAnswer }) {
  const fitting = views.filter(({ fits }) => fits(of))
  const current = fitting.find(({ id }) => id === param('view')) ?? fitting[0]
  return (
    <>
      <section class='about' aria-label='Model'>
        <p>{of.description ?? ''} <small>{of.format}{of.kerasVersion === undefined ? '' : `, Keras ${of.kerasVersion}`}, version {of.version}</small></p>
        <InputBar key={`${of.id} ${of.version}`} model={of} />
      </section>
      <nav aria-label='Views'>
        {fitting.map(({ id, title }) => (
          <a key={id} href={link({ view: id })} aria-current={id === current.id ? 'page' : undefined} onClick={(event) => { event.preventDefault(); go({ view: id }, true) }}>{title}</a>
        ))}
      </nav>
      <main id='view' tabIndex={-1}>
        <h2 class='question'>{current.question}</h2>
        {given.value === null ? null : <Guarded key={`${of.id} ${of.version} ${current.id}`} view={current} model={of} given={given.value} />}
      </main>
    </>
  )
}
