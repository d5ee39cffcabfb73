/**
 * Colours that stay apart for colour-blind readers: Okabe and Ito's eight for lines and bars ("Color Universal Design", 2008), and for values around 0 a
 * diverging scale between blue and orange over the background, equal in lightness on both sides.
 */
export interface Theme {
  readonly dark: boolean
  readonly text: string
  readonly faint: string
  readonly background: string
  readonly lines: readonly string[]
  /** From -1 over 0 to 1, as [red, green, blue] from 0 to 255. */
  readonly diverging: readonly (readonly [number, number, number])[]
}

const okabeIto = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9']

const light: Theme = {
  dark: false,
  text: '#1b2430',
  faint: '#d5dae1',
  background: '#ffffff',
  lines: [...okabeIto, '#1b2430'],
  diverging: [[5, 62, 122], [64, 139, 196], [168, 208, 233], [247, 247, 247], [250, 197, 138], [219, 121, 30], [130, 58, 3]]
}

const night: Theme = {
  dark: true,
  text: '#e8edf4',
  faint: '#3a4656',
  background: '#121821',
  lines: ['#56b4e9', '#e69f00', '#2fc49a', '#e79fc6', '#f0e442', '#5b9bff', '#e8edf4'],
  diverging: [[168, 216, 255], [72, 156, 222], [30, 84, 132], [24, 30, 40], [138, 78, 12], [226, 138, 44], [255, 214, 158]]
}

export const themeOf = (dark: boolean): Theme => dark ? night : light

/** The colour of `value` between -1 and 1 as [red, green, blue]; beyond them the ends. */
export function divergingAt (theme: Theme, value: number): [number, number, number] {
  const stops = theme.diverging
  const place = (Math.max(-1, Math.min(1, value)) + 1) / 2 * (stops.length - 1)
  const below = Math.min(stops.length - 2, Math.floor(place))
  const [a, b] = [stops[below], stops[below + 1]]
  const mix = (n: 0 | 1 | 2): number => Math.round(a[n] + (b[n] - a[n]) * (place - below))
  return [mix(0), mix(1), mix(2)]
}

export const css = ([red, green, blue]: readonly [number, number, number]): string => `rgb(${red},${green},${blue})`

/** `#rrggbb` as [red, green, blue]. */
export const rgbOf = (hex: string): [number, number, number] => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number]
