// One line of a scenario: everyone's answer is checked against the service's own, then all are timed in interleaved rounds.

import { arraysOf, difference } from './answers.mjs'
import { ceilingRequest, inputsOf, names, ourRequest, rivalRequest } from './asks.mjs'
import { median, percentile, round, sendOnce } from './client.mjs'

const formats = { json: 'JSON', safetensors: 'safetensors', v2: 'V2 binary' }
/** Above this a rival computes something else. */
const tolerance = 1e-4

/**
 * Those who take part in a line: the service in each of its formats, the rivals, and the ceiling of each format; and the rivals whose numbers are wrong, in words.
 * A line: `what` predict|hidden|gates, `model`, `batch`, `steps`, `connections`, `formats` of the service, `rivals`, `ceilings` (formats), `tokens`, and
 * `named` where the table is to say more than what is asked.
 */
export async function contenders (line, servers) {
  const inputs = inputsOf(line)
  const ours = async (format, outputs) => {
    const request = ourRequest({ ...line, format }, inputs, outputs)
    return { server: servers.ours, label: `${servers.ours.name}, ${formats[format]}`, key: format, request, answer: await good(servers.ours, request) }
  }
  const json = await ours('json')
  const truth = arraysOf(json.answer)
  const mine = [json]
  for (const format of line.formats.filter((one) => one !== 'json')) mine.push(await ours(format, [...truth.keys()]))
  const rivals = []
  for (const word of line.rivals) {
    const request = rivalRequest(line, inputs)
    rivals.push({ server: servers[word], label: servers[word].name, key: word, request, answer: await good(servers[word], request) })
  }
  const told = (one) => `${one.label} differs by ${one.difference} in the ${names[line.what]} of ${line.model}, B=${line.batch}`
  for (const one of [...mine, ...rivals]) one.difference = difference(arraysOf(one.answer), truth)
  const torn = mine.find((one) => !(one.difference <= tolerance))
  if (torn !== undefined) throw new Error(told(torn))
  // A wrong rival is no rival.
  const right = rivals.filter((one) => one.difference <= tolerance)
  const ceilings = mine.filter(({ key }) => line.ceilings.includes(key)).map(({ key, request, answer }) =>
    ({ server: servers.ceiling, label: `${servers.ceiling.name} of ${formats[key]}`, key: `ceiling ${key}`, request: ceilingRequest(request, answer.body.length) }))
  return { all: [...mine, ...right, ...ceilings], wrong: rivals.filter((one) => !right.includes(one)).map((one) => `${told(one)}: not timed.`) }
}

async function good (server, request) {
  const answer = await sendOnce(server.port, request)
  if (answer.status === 200) return answer
  throw new Error(`${server.name} answers ${answer.status} to ${request.path}: ${answer.error?.message ?? answer.body.subarray(0, 500)}`)
}

/**
 * Times contenders against each other, `rounds` times, once each of them is warm: what compiles as it runs (V8, onnxruntime's plans) takes three to eight
 * seconds to settle. `requestsOf` gives each connection its request.
 */
export async function measure (all, { rounds, seconds }, requestsOf) {
  for (const one of all) await warmUp(one, requestsOf(one))
  for (const one of all) one.rounds = []
  for (let n = 0; n < rounds; n++) {
    for (const one of all) {
      const before = one.server.cpu()
      const result = await timed(one, requestsOf(one), seconds)
      one.rounds.push({ ...result, serverCpu: (one.server.cpu() - before) / result.count })
    }
  }
  return all
}

/** Three times as many rounds of some of them alone: what a target speaks of stands beside its rival within seconds, as the machine is not the same from minute to minute. */
export async function measureAgain (some, { rounds, seconds }, requestsOf) {
  for (const one of some) one.again = []
  for (let n = 0; n < 3 * rounds; n++) {
    for (const one of n % 2 === 0 ? some : some.toReversed()) one.again.push(await timed(one, requestsOf(one), seconds))
  }
}

/** How `measure` times, in words. */
export const roundsOf = ({ rounds, seconds }) => `${rounds} interleaved rounds of ${seconds} s, after each has been asked until it gets no faster (2 to 10 s).`

/** Seconds of requests, two at least and ten at most, until two in a row have not been faster than the fastest before them by more than 3 %. */
async function warmUp (one, requests) {
  let [fastest, since] = [0, 0]
  for (let second = 0; second < 10 && since < 2; second++) {
    const { rate } = await timed(one, requests, 1)
    since = rate > 1.03 * fastest ? 0 : since + 1
    fastest = Math.max(fastest, rate)
  }
}

async function timed ({ server, label }, requests, seconds) {
  const result = await round({ port: server.port, requests, seconds })
  if (result.errors > 0) throw new Error(`${label}: ${result.errors} of ${result.count} requests failed`)
  return result
}

/** How many times faster one was than another, round by round, of those together where there are some: the median, the least and the most. */
export function times (one, other) {
  const [own, theirs] = one.again !== undefined && other.again !== undefined ? [one.again, other.again] : [one.rounds, other.rounds]
  const ratios = own.map(({ rate }, n) => rate / theirs[n].rate)
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

export const columns = ['asked', 'B', 'connections', 'server', 'requests/s', 'spread', 'p50 ms', 'p99 ms', 'server CPU ms', 'client CPU ms', 'KiB an answer',
  'differs by', 'beside rival 2', 'statescope JSON is', 'of its ceiling']

/** The rows of a line, as its table shows them; said aloud too, as a run takes minutes. */
export function rowsOf (line, all) {
  const find = (wanted) => all.find(({ key }) => key === wanted)
  const rows = all.map((one) => {
    const rates = one.rounds.map(({ rate }) => rate)
    const latencies = one.rounds.flatMap(({ latencies }) => [...latencies.values()].flat())
    const of = (name) => median(one.rounds.map((round) => round[name]))
    const beside = (other, sign = 'x') => other === undefined || other === one ? '' : `${short(times(one, other).median)}${sign}`
    const ceiling = find(`ceiling ${one.key}`)
    const rival = one.key.startsWith('rival')
    return [
      line.named ?? names[line.what], line.batch, line.connections, one.label, median(rates), `${short(Math.min(...rates))} to ${short(Math.max(...rates))}`,
      percentile(latencies, 0.5), percentile(latencies, 0.99), of('serverCpu'), of('clientCpu'), of('bytes') / 1024,
      one.difference === undefined ? '' : one.difference === 0 ? '0' : one.difference.toExponential(0),
      one.key.startsWith('ceiling') ? '' : beside(find('rival2')),
      rival ? `${short(times(find('json'), one).median)}x` : '',
      ceiling === undefined ? '' : `${(times(one, ceiling).median * 100).toFixed(0)} %`
    ]
  })
  for (const row of rows) console.log(row.map((cell) => typeof cell === 'number' ? short(cell) : cell).join(' | '))
  return rows
}

/** Three digits, or all that stand before the point. */
export const short = (value) => Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
