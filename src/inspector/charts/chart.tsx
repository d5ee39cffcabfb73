import { useContext, useEffect, useRef } from 'preact/hooks'
import { FigureContext, type Picture } from '../parts/picture.ts'
import { connect, init, type EChartsType, type Option } from './echarts.ts'
import { theme } from './theme.ts'

interface Props {
  readonly option: Option
  /** Pixels; the width is that of the page. */
  readonly height: number
  /** What a screen reader says of it; the numbers stand in the figure's table. */
  readonly label: string
  /** Charts of one group share their pointer: hovering a step in one shows it in all. */
  readonly group?: string
  /** Called once, with the chart: for what an option cannot say. What it returns is called at the end. */
  readonly onReady?: (chart: EChartsType) => (() => void) | undefined
}

/** A chart of ECharts in a figure, in the colours of the theme; the figure saves it. */
export function Chart ({ option, height, label, group, onReady }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<EChartsType | null>(null)
  const latest = useRef(option)
  const figure = useContext(FigureContext)
  latest.current = option
  const colours = theme.value

  useEffect(() => {
    const own = init(place.current!, null, { renderer: 'canvas' })
    chart.current = own
    if (group !== undefined) { own.group = group; connect(group) }
    own.setOption(dressed(latest.current), { notMerge: true })
    const watch = new ResizeObserver(() => own.resize())
    watch.observe(place.current!)
    const end = onReady?.(own)
    const leave = figure?.add(pictureOf(own, () => dressed(latest.current)))
    return () => { leave?.(); end?.(); watch.disconnect(); own.dispose(); chart.current = null }
  }, [group])

  useEffect(() => { chart.current?.setOption(dressed(option), { notMerge: true }) }, [option, colours])

  return <div class='chart' ref={place} role='img' aria-label={label} style={{ height: `${height}px` }} />
}

/** What every chart has, unless its option says otherwise. */
function dressed (option: Option): Option {
  const { text, background, lines } = theme.value
  return {
    animation: false,
    backgroundColor: background,
    color: [...lines],
    textStyle: { color: text, fontFamily: 'system-ui, sans-serif' },
    ...option,
    // Rich text is drawn on the canvas: a tooltip of HTML would carry style attributes, which the page's policy refuses.
    tooltip: option.tooltip === undefined ? undefined : { renderMode: 'richText', confine: true, ...option.tooltip }
  } as Option
}

function pictureOf (chart: EChartsType, option: () => Option): Picture {
  return {
    png: async () => await (await fetch(chart.getDataURL({ pixelRatio: 2, backgroundColor: theme.value.background }))).blob(),
    svg: () => {
      const drawn = init(null, null, { renderer: 'svg', ssr: true, width: chart.getWidth(), height: chart.getHeight() })
      drawn.setOption(option())
      // As far as it is zoomed on the screen.
      const zooms = (chart.getOption() as { dataZoom?: readonly { id: string, start: number, end: number }[] }).dataZoom ?? []
      if (zooms.length > 0) drawn.dispatchAction({ type: 'dataZoom', batch: zooms.map(({ id, start, end }) => ({ dataZoomId: id, start, end })) })
      const text = drawn.renderToSVGString()
      drawn.dispose()
      return text
    }
  }
}
