import { ask, type Call } from '../../api/call.ts'
import { askTensors, type Tensors } from '../../api/tensors.ts'
import { useAsk } from '../../api/use-ask.ts'
import type { ModelAnswer } from '../../api/wire.ts'
import { Choice } from '../../parts/pickers.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { param } from '../../state/url.ts'
import type { View, ViewProps } from '../view.ts'
import { featuresRead, groupsOf, kindsOf, type Group, type WeightsAnswer } from './arrays.ts'
import { KindFigure } from './kind.tsx'
import { HalfLife, Norms } from './stats.tsx'
import './weights.css'

/** The arrays that training left, gate by gate. */
export const weights: View = { id: 'weights', title: 'Weights', question: 'What has it learned?', fits: () => true, Component: Weights }

/** The request for a model's weights: of one layer, or what there is of all. */
export const weightsCall = ({ id, version }: ModelAnswer, more: string): Call => ({ method: 'GET', path: `models/${encodeURIComponent(id)}/weights?version=${version}&${more}` })

function Weights ({ model }: ViewProps) {
  const all = weightsCall(model, 'values=false&stats=true')
  const described = useAsk(all.path, (signal) => ask<WeightsAnswer>(all, signal))
  const layers = described.answer?.layers ?? {}
  const path = chosen(model, Object.keys(layers))
  const call = weightsCall(model, `layer=${encodeURIComponent(path ?? '')}`)
  const values = useAsk(path === null ? null : call.path, async (signal) => await askTensors(call, signal))
  return (
    <>
      <Waiting of={described} what='Reading what arrays there are' />
      {described.answer !== null && path === null ? <p>No layer of this model has weights.</p> : null}
      {path === null
        ? null
        : (
          <>
            <div class='controls'>
              <Choice name='layer' title='Layer' value={path} options={Object.entries(layers).map(([own, { type }]) => [own, `${own} (${type})`] as const)} />
            </div>
            <Waiting of={values} what={`Reading the weights of ${path}`} />
            {values.answer !== null ? <Layer model={model} path={path} groups={groupsOf(path, layers[path])} values={values.answer} call={call} /> : null}
          </>
          )}
    </>
  )
}

/** The layer of the address among those that have weights, by its path or the key of a call; else the first recurrent one, else the first. */
function chosen (model: ModelAnswer, paths: readonly string[]): string | null {
  const wanted = param('layer')
  const pathOf = (key: string): string | undefined => model.layers.find(({ path, keys }) => path === key || keys.includes(key))?.path
  const found = [pathOf(wanted), ...model.recurrentLayers.map(({ key }) => pathOf(key))].find((path) => path !== undefined && paths.includes(path))
  return found ?? paths[0] ?? null
}

function Layer ({ model, path, groups, values, call }: { model: ModelAnswer, path: string, groups: readonly Group[], values: Tensors, call: Call }) {
  const line = model.layers.find((layer) => layer.path === path)
  const features = line === undefined ? null : featuresRead(model, line)
  const stats = { ...call, path: `${call.path}&values=false&stats=true` }
  return (
    <>
      {groups.map((group) => {
        // What a direction or the first cell reads is what the layer reads; cells above it read units.
        const read = /\/cells\/[1-9]\d*$/.test(group.path) ? null : features
        return (
          <section key={group.path} aria-label={group.path}>
            {groups.length > 1 ? <h2 class='group'>{group.path} <small>{group.type}</small></h2> : null}
            {group.equations.length === 0 ? null : <Equations of={group} />}
            {kindsOf(group).map((kind) => <KindFigure key={kind.name} group={group} kind={kind} values={values} siblings={groups} features={read} call={call} />)}
            {group.gates.length > 1 && group.stats !== null ? <Norms group={group} stats={group.stats} call={stats} /> : null}
            {group.stats?.halfLife === undefined ? null : <HalfLife group={group} life={group.stats.halfLife} call={stats} />}
          </section>
        )
      })}
    </>
  )
}

function Equations ({ of: { gates, equations } }: { of: Group }) {
  const order = gates.length > 1 ? `Keras keeps the gates side by side, in this order: ${gates.map(({ letter, gate }) => `${letter} (${gate})`).join(', ')}. ` : ''
  return (
    <details class='equations' open>
      <summary>How the arrays are used</summary>
      <p class='note'>{order}The same arrays serve every step.</p>
      <pre tabIndex={0} role='region' aria-label='Equations'><code>{equations.join('\n')}</code></pre>
    </details>
  )
}
