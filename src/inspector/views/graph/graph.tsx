import { useContext, useEffect, useMemo, useRef } from 'preact/hooks'
import type { Call } from '../../api/call.ts'
import type { ModelAnswer } from '../../api/wire.ts'
import { theme } from '../../charts/theme.ts'
import { Figure } from '../../parts/figure.tsx'
import { FigureContext, type Picture } from '../../parts/picture.ts'
import { go, link, param } from '../../state/url.ts'
import type { View, ViewProps } from '../view.ts'
import { Details } from './details.tsx'
import { cut, drawingOf, type Box, type Wire } from './layout.ts'
import './graph.css'

/** The layers as they are wired, and what each of them can show. */
export const graph: View = { id: 'graph', title: 'Graph', question: 'What is it made of?', fits: () => true, Component: Graph }

function Graph ({ model, given }: ViewProps) {
  const calls = model.layers.flatMap(({ calls, type }) => calls.map((call) => ({ type, ...call })))
  const chosen = calls.find(({ key }) => key === param('layer'))?.key ?? null
  const call: Call = { method: 'GET', path: `models/${encodeURIComponent(model.id)}?version=${model.version}` }
  const table = () => ({
    columns: ['layer', 'type', 'shape', 'reads'],
    rows: calls.map(({ key, type, shape, inbound }) => [key, type, shape === undefined ? null : JSON.stringify(shape), inbound.map(({ key }) => key).join(' ')])
  })
  return (
    <>
      <Figure name='graph' title='The layers, from the inputs down' note='A box is a layer: its name, its class, and the shape of what it gives. Batch and any are sizes that a request decides. Choose a box to see what is in it and what it can show; a thicker frame is a layer with steps of its own.' call={call} table={table}>
        <Picturing model={model} chosen={chosen} />
      </Figure>
      {chosen === null ? null : <Details key={chosen} model={model} given={given} of={chosen} />}
    </>
  )
}

function Picturing ({ model, chosen }: { model: ModelAnswer, chosen: string | null }) {
  const drawing = useMemo(() => drawingOf(model), [model])
  const place = useRef<SVGSVGElement>(null)
  const figure = useContext(FigureContext)
  useEffect(() => figure?.add(pictureOf(place.current!)), [])
  const { text } = theme.value
  const recurrent = new Set(model.recurrentLayers.map(({ key }) => key))
  return (
    <div class='graph' tabIndex={0} role='region' aria-label='Layer graph'>
      <svg ref={place} xmlns='http://www.w3.org/2000/svg' width={drawing.width} height={drawing.height} viewBox={`0 0 ${drawing.width} ${drawing.height}`} font-family='system-ui, sans-serif' font-size='13'>
        <defs><marker id='graph-arrow' viewBox='0 0 10 10' refX='9' refY='5' markerWidth='7' markerHeight='7' orient='auto'><path d='M0 0 L10 5 L0 10 z' fill={text} /></marker></defs>
        {drawing.wires.map((wire) => <Line key={`${wire.from} ${wire.to}`} wire={wire} />)}
        {drawing.boxes.map((box) => <Node key={box.key} box={box} recurrent={recurrent.has(box.key)} chosen={box.key === chosen} />)}
      </svg>
    </div>
  )
}

function Line ({ wire: { points, label } }: { wire: Wire }) {
  const { text } = theme.value
  const middle = points[points.length >> 1]
  return (
    <g aria-hidden='true'>
      <polyline points={points.map(({ x, y }) => `${x},${y}`).join(' ')} fill='none' stroke={text} stroke-width='1.2' marker-end='url(#graph-arrow)' />
      {label === '' ? null : <text x={middle.x + 4} y={middle.y + 4} fill={text} font-size='11'>{label}</text>}
    </g>
  )
}

function Node ({ box: { key, type, shape, x, y, width, height }, recurrent, chosen }: { box: Box, recurrent: boolean, chosen: boolean }) {
  const { text, background, lines } = theme.value
  const to = { layer: key, probe: null }
  return (
    <a href={link(to)} aria-current={chosen ? 'true' : undefined} onClick={(event) => { event.preventDefault(); go(to) }}>
      <g transform={`translate(${x - width / 2} ${y - height / 2})`}>
        <rect width={width} height={height} rx='6' fill={background} stroke={chosen ? lines[1] : text} stroke-width={chosen ? 4 : recurrent ? 2.6 : 1} />
        <text x='10' y='19' fill={text} font-weight='600'>{cut(key)}</text>{' '}
        <text x='10' y='35' fill={text}>{cut(type)}</text>{' '}
        <text x='10' y='51' fill={text} font-size='12'>{cut(shape)}</text>
        {cut(key) === key ? null : <title>{key}</title>}
      </g>
    </a>
  )
}

function pictureOf (drawn: SVGSVGElement): Picture {
  const svg = (): string => new XMLSerializer().serializeToString(drawn)
  return {
    svg,
    png: async () => {
      const image = new Image()
      const address = URL.createObjectURL(new Blob([svg()], { type: 'image/svg+xml' }))
      image.src = address
      await image.decode()
      URL.revokeObjectURL(address)
      const canvas = document.createElement('canvas')
      ;[canvas.width, canvas.height] = [2 * image.width, 2 * image.height]
      const context = canvas.getContext('2d')!
      context.fillStyle = theme.value.background
      context.fillRect(0, 0, canvas.width, canvas.height)
      context.drawImage(image, 0, 0, canvas.width, canvas.height)
      return await new Promise((resolve) => canvas.toBlob((blob) => resolve(blob!), 'image/png'))
    }
  }
}
