import { useMemo } from 'preact/hooks'
import type { Tensor } from '../../api/tensors.ts'
import { Choice } from '../../parts/pickers.tsx'
import { shown } from '../../parts/table.ts'
import { go, param } from '../../state/url.ts'
import { deviation, kinds, separation } from './ranking.ts'

const listed = 12

interface Props {
  readonly texts: readonly (readonly string[])[]
  /** Whether a character of a text was read at a step: neither padding nor masked. */
  readonly read: (sequence: number, step: number) => boolean
  /** `[batch, step, unit]`. */
  readonly tensor: Tensor
  readonly unit: number
}

/** The units that vary most over the texts, or tell a kind of character best. */
export function Ranking ({ texts, read, tensor, unit }: Props) {
  const [, steps, units] = tensor.shape
  const places = useMemo(() => texts.flatMap((characters, n) => characters.flatMap((_, step) => read(n, step) ? [n * steps + step] : [])), [tensor])
  const inside = useMemo(() => new Map(Object.entries(kinds)
    .map(([kind, test]) => [kind, texts.flatMap((characters, n) => test(characters).filter((_, step) => read(n, step)))] as const)
    .filter(([, own]) => own.includes(true) && own.includes(false))), [tensor])
  const by = inside.has(param('rank')) ? param('rank') : ''
  const own = inside.get(by)
  const list = useMemo(() => {
    const scores = Array.from({ length: units }, (_, n) => {
      const values = Float32Array.from(places, (place) => tensor.data[place * units + n])
      return { unit: n, score: own === undefined ? deviation(values) : separation(values, own)! }
    })
    const strength = ({ score }: { score: number }): number => own === undefined ? score : Math.abs(score - 0.5)
    return scores.sort((a, b) => strength(b) - strength(a) || a.unit - b.unit).slice(0, listed)
  }, [tensor, by])
  const within = own?.filter(Boolean).length ?? 0
  const words = (score: number): string => {
    if (own === undefined) return `standard deviation ${shown(score)}`
    return score >= 0.5 ? `higher in ${shown(score * 100)} % of pairs` : `lower in ${shown((1 - score) * 100)} % of pairs`
  }
  return (
    <section aria-label='Units to look at'>
      <h3>Units to look at</h3>
      <div class='controls'><Choice name='rank' title='Those that' value={by} options={[['', 'vary most'], ...[...inside.keys()].map((kind) => [kind, `tell ${kind} best`] as const)]} /></div>
      <p class='note'>{own === undefined
        ? 'How far the value strays from its mean over these characters.'
        : `Take every pair of one of these characters (${within} here) and another one (${own.length - within} here): in how many is the value higher, or lower, at the first? 50 % tells nothing, and of ${units} units some stand out by chance where the characters are few.`}
      </p>
      <ol class='ranking'>
        {list.map(({ unit: n, score }) => <li key={n}><button type='button' aria-pressed={n === unit} onClick={() => go({ unit: n })}>unit {n}</button> {words(score)}</li>)}
      </ol>
    </section>
  )
}
