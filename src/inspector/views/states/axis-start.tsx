import { go } from '../../state/url.ts'

/** Which of many are drawn: as many as fit, from the one of the address on. */
export function AxisStart ({ name, title, value, last, shown }: { name: string, title: string, value: number, last: number, shown: number }) {
  return <p class='controls'><label>{title} <input type='number' min={0} max={last} value={value} onInput={(event) => go({ [name]: event.currentTarget.value })} /> to {value + shown - 1} of 0 to {last}</label></p>
}
