import t from 'tap'
import { divergingAt, rgbOf, themeOf } from '../../src/inspector/charts/palette.ts'
import { raster, reach } from '../../src/inspector/charts/raster.ts'

t.test('each number has its own pixel, in the colours of the palette', async (t) => {
  for (const dark of [false, true]) {
    const theme = themeOf(dark)
    const pixels = raster(Float32Array.of(-2, -1, 0, 0.5, 1, 7, Infinity, NaN), 2, theme)
    const at = (n: number): number[] => [...pixels.subarray(4 * n, 4 * n + 3)]
    t.same([0, 2, 5, 6].map(at), [-1, 0, 1, 1].map((value) => divergingAt(theme, value)), 'the ends and 0 exactly')
    for (const [n, value] of [[1, -0.5], [3, 0.25], [4, 0.5]]) t.ok(at(n).every((part, k) => Math.abs(part - divergingAt(theme, value)[k]) <= 1), `within one tone of ${value}`)
    t.same(at(7), rgbOf(theme.lines[3]))
    t.notOk(Array.from({ length: 201 }, (_, n) => divergingAt(theme, n / 100 - 1)).some((colour) => String(colour) === String(at(7))), 'what is no number has a colour of its own')
    t.ok([...pixels].every((part, n) => n % 4 !== 3 || part === 255))
  }
})

t.test('the reach of numbers is that of the farthest, over all that are finite', async (t) => {
  t.equal(reach([1, -3, 2], [0.5]), 3)
  t.equal(reach([NaN, Infinity, -0.25]), 0.25)
  t.equal(reach([0, 0], []), 1)
})
