import { divergingAt, rgbOf, type Theme } from './palette.ts'

/** Colours of the scale that are worked out beforehand; an odd number, so that 0 has one of its own. */
const tones = 1023

/**
 * The pixels of a matrix `[rows, columns]` in C order, one a number, as red, green, blue and alpha: around 0 by the diverging palette, `scale` and beyond
 * in the colour of the ends, what is no number in a colour that the palette has not.
 */
export function raster (data: ArrayLike<number>, scale: number, theme: Theme): Uint8ClampedArray<ArrayBuffer> {
  const palette = new Uint8ClampedArray(4 * (tones + 1))
  for (let tone = 0; tone < tones; tone++) palette.set([...divergingAt(theme, 2 * tone / (tones - 1) - 1), 255], 4 * tone)
  palette.set([...rgbOf(theme.lines[3]), 255], 4 * tones)
  const pixels = new Uint8ClampedArray(4 * data.length)
  // Whole pixels at once: half a million numbers are a few milliseconds.
  const [from, to] = [new Uint32Array(palette.buffer), new Uint32Array(pixels.buffer)]
  const middle = (tones - 1) / 2
  for (let n = 0; n < data.length; n++) {
    const value = data[n]
    to[n] = from[Number.isNaN(value) ? tones : value === 0 ? middle : Math.round(middle + middle * Math.max(-1, Math.min(1, value / scale)))]
  }
  return pixels
}

/** The largest distance from 0 among finite numbers; 1 where all are 0, so that it may be a scale. */
export function reach (...all: readonly ArrayLike<number>[]): number {
  let most = 0
  for (const data of all) {
    for (let n = 0; n < data.length; n++) {
      const size = Math.abs(data[n])
      if (size > most && size < Infinity) most = size
    }
  }
  return most === 0 ? 1 : most
}
