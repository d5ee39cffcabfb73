import { ask } from '../../api/call.ts'
import { useAsk } from '../../api/use-ask.ts'
import type { ModelAnswer } from '../../api/wire.ts'
import { Waiting } from '../../parts/waiting.tsx'
import type { Given } from '../../state/model.ts'
import { go, link, param } from '../../state/url.ts'
import { groupsOf, type WeightsAnswer } from '../weights/arrays.ts'
import { shapeWords } from './layout.ts'
import { Output } from './output.tsx'

/** What is in one layer, and what it can show. */
export function Details ({ model, given, of }: { model: ModelAnswer, given: Given, of: string }) {
  const layer = model.layers.find(({ keys }) => keys.includes(of))!
  const call = layer.calls.find(({ key }) => key === of)!
  const recurrent = model.recurrentLayers.find(({ key }) => key === of)
  const path = `models/${encodeURIComponent(model.id)}/weights?version=${model.version}&layer=${encodeURIComponent(layer.path)}&values=false`
  const weights = useAsk(path, (signal) => ask<WeightsAnswer>({ method: 'GET', path }, signal))
  const groups = weights.answer === null ? [] : groupsOf(layer.path, weights.answer.layers[layer.path])
  const arrays = groups.flatMap(({ path, arrays }) => Object.entries(arrays).map(([name, { shape, axes }]) => ({ name: `${path}/${name}`, shape, axes })))
  const reads = call.inbound.map(({ key, argument }) => argument === undefined ? key : `${key} (as ${argument})`)
  return (
    <section class='details' aria-label={`Layer ${of}`}>
      <h2>{of} <small>{layer.type}</small></h2>
      <p>{reads.length === 0 ? 'It is an input' : `It reads ${reads.join(', ')}`}, and gives [{(call.shapes ?? [call.shape]).map((shape) => shapeWords(shape)).join('], [')}].</p>
      <p class='controls'>
        {recurrent === undefined ? null : <Link to={{ view: 'states', layer: of, probe: null }}>Its states and gates</Link>}
        {arrays.length === 0 ? null : <Link to={{ view: 'weights', layer: layer.path, probe: null }}>Its weights</Link>}
        <button type='button' aria-pressed={param('probe') === 'output'} onClick={() => go({ probe: param('probe') === 'output' ? null : 'output' })}>What it gives for these inputs</button>
      </p>
      {recurrent === undefined ? null : <p class='note'>It has {recurrent.units} units. What can be asked of it at every step: {recurrent.tensors.join(', ')}.</p>}
      {param('probe') === 'output' ? <Output model={model} given={given} of={of} /> : null}
      <Waiting of={weights} what='Reading what arrays there are' />
      {arrays.length === 0 ? null : <Rows title='Weights' rows={arrays.map(({ name, shape, axes }) => [name, `[${shape.join(' × ')}]${axes === undefined ? '' : ` ${axes.join(', ')}`}`])} />}
      <Rows title='Config' rows={Object.entries(layer.config).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)])} />
    </section>
  )
}

function Link ({ to, children }: { to: Readonly<Record<string, string | null>>, children: string }) {
  return <a href={link(to)} onClick={(event) => { event.preventDefault(); go(to, true) }}>{children}</a>
}

function Rows ({ title, rows }: { title: string, rows: readonly (readonly [string, string])[] }) {
  if (rows.length === 0) return null
  return (
    <details open>
      <summary>{title}</summary>
      <div class='scroll' tabIndex={0} role='region' aria-label={title}>
        <table>
          <tbody>{rows.map(([name, value]) => <tr key={name}><th scope='row'>{name}</th><td>{value}</td></tr>)}</tbody>
        </table>
      </div>
    </details>
  )
}
