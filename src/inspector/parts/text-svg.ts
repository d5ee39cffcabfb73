/** A character with the number that colours it; null: none. */
export interface Coloured { readonly text: string, readonly value: number | null }

type Colour = readonly [number, number, number]

/** What is drawn for a character: a space needs no sign, a step without a character and a line's end do. */
export const signOf = (text: string): string => text === '' ? '·' : text === '\n' ? '↵' : text === '\t' ? '⇥' : text

/** Black or white, whichever reads better on a colour (WCAG 2.2, contrast ratio): at least 4.5 to 1 on any. */
export function inkOn ([red, green, blue]: Colour): '#000000' | '#ffffff' {
  const linear = [red, green, blue].map((part) => part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4)
  const light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
  return (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) ? '#000000' : '#ffffff'
}

const [across, down, columns, gap] = [11, 20, 80, 10]

/** Coloured texts as an SVG file, each on lines of 80 characters. */
export function textSvg (texts: readonly (readonly Coloured[])[], colourOf: (value: number) => Colour, { background, text }: { readonly background: string, readonly text: string }): string {
  const parts: string[] = []
  let y = gap
  for (const characters of texts) {
    for (const [n, { text: sign, value }] of characters.entries()) {
      const [left, top] = [gap + n % columns * across, y + Math.floor(n / columns) * down]
      const colour = value === null ? null : colourOf(value)
      if (colour !== null) parts.push(`<rect x="${left}" y="${top}" width="${across}" height="${down}" fill="rgb(${colour.join(',')})"/>`)
      if (sign !== ' ') parts.push(`<text x="${left + across / 2}" y="${top + 15}" fill="${colour === null ? text : inkOn(colour)}">${escaped(signOf(sign))}</text>`)
    }
    y += Math.ceil(characters.length / columns) * down + gap
  }
  const width = 2 * gap + across * Math.min(columns, Math.max(1, ...texts.map(({ length }) => length)))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" font-family="ui-monospace, monospace" font-size="15" text-anchor="middle">` +
    `<rect width="100%" height="100%" fill="${background}"/>${parts.join('')}</svg>`
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
