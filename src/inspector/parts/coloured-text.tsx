import { useContext, useEffect, useRef } from 'preact/hooks'
import { css, divergingAt } from '../charts/palette.ts'
import { theme } from '../charts/theme.ts'
import { FigureContext } from './picture.ts'
import { shown } from './table.ts'
import { inkOn, signOf, textSvg, type Coloured } from './text-svg.ts'

interface Props {
  /** A text for each sequence. */
  readonly texts: readonly (readonly Coloured[])[]
  /** The value of the darkest colours: they go from -scale over 0 to scale. */
  readonly scale: number
  /** The text and the place of a character that is marked. */
  readonly marked?: readonly [text: number, place: number]
  readonly onChoose?: (text: number, place: number) => void
}

/** Texts whose characters stand on colours, in a figure that saves them. A screen reader hears each text once, plain; the values stand in the figure's table. */
export function ColouredText ({ texts, scale, marked, onChoose }: Props) {
  const figure = useContext(FigureContext)
  const colours = theme.value
  const colourOf = (value: number): [number, number, number] => divergingAt(colours, scale === 0 ? 0 : value / scale)
  const draw = useRef<() => string>(() => '')
  draw.current = () => textSvg(texts, colourOf, colours)
  useEffect(() => figure?.add({ svg: () => draw.current(), png: async () => await pngOf(draw.current()) }), [figure])
  const choose = (text: number, event: Event): void => {
    const place = (event.target as HTMLElement).dataset.place
    if (place !== undefined) onChoose?.(text, Number(place))
  }
  return (
    <div class='texts'>
      {texts.map((characters, text) => (
        <div key={text} class='coloured'>
          <p class='unseen'>{characters.map((one) => one.text).join('')}</p>
          <div aria-hidden='true' onClick={(event) => choose(text, event)}>
            {characters.map(({ text: sign, value }, place) => {
              const colour = value === null ? null : colourOf(value)
              return (
                <span
                  key={place} data-place={place} class={marked?.[0] === text && marked[1] === place ? 'marked' : undefined} title={value === null ? undefined : shown(value)}
                  style={colour === null ? undefined : { backgroundColor: css(colour), color: inkOn(colour) }}
                >{signOf(sign)}{sign === '\n' ? <br /> : null}
                </span>
              )
            })}
          </div>
        </div>
      ))}
    </div>
  )
}

/** What the colours say: from -scale, or from 0, to scale. */
export function Scale ({ scale, from }: { scale: number, from: -1 | 0 }) {
  const stops = Array.from({ length: 9 }, (_, n) => from + n / 8 * (1 - from))
  return (
    <p class='scale'>
      {shown(from * scale)}
      <span aria-hidden='true'>{stops.map((stop) => <i key={stop} style={{ backgroundColor: css(divergingAt(theme.value, stop)) }} />)}</span>
      {shown(scale)}
    </p>
  )
}

async function pngOf (svg: string): Promise<Blob> {
  const image = new Image()
  image.src = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }))
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = image.width * 2
  canvas.height = image.height * 2
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height)
  URL.revokeObjectURL(image.src)
  return await new Promise((resolve, reject) => canvas.toBlob((blob) => blob === null ? reject(new Error('The picture is too large for a PNG.')) : resolve(blob)))
}
