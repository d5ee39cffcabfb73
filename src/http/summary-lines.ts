import type { FastifyRequest } from 'fastify'
import { Fault } from '../errors.ts'
import { independent } from '../plan/independent.ts'
import type { Plan } from '../plan/plan.ts'
import { sizeOf as inputsOf } from '../pool/queue.ts'
import type { Served } from '../registry/entry.ts'
import { decodeLine } from '../request/ndjson.ts'
import type { Batch, Probe } from '../request/probe.ts'
import { readSummary, type SummaryChoice } from '../request/summary.ts'
import { isObject } from '../request/words.ts'
import { join } from '../run/company.ts'
import { addSummary, checkSize, sizeOf, type Summary } from '../studies/summary/summary.ts'
import { formatFor } from './accept.ts'
import { inOrder, patiently, readLine, type Line } from './ndjson.ts'
import { patienceOf } from './patience.ts'
import { problem } from './problem.ts'
import { withQuery } from './query.ts'
import type { Service } from './service.ts'
import { planOf, summaryAnswer, summaryOf, type Summarised } from './summary.ts'

/** One line read, until its group is run. */
interface Waiting { readonly number: number, readonly id: unknown, readonly batch: Batch }

/** Sequences of one shape that run as one batch. */
interface Group { readonly plan: Plan, readonly probe: Probe, readonly lines: Waiting[] }

/** Sequences of a group, and numbers of its inputs, at most; one long sequence alone may have more. */
const mostLines = 64
const mostNumbers = 2 ** 16
/** The same for all groups that are not full yet: lengths may be of any number. */
const mostWaiting = { lines: 4096, numbers: 2 ** 22 }

/** Problems that are told; all are counted. */
const told = 10
/** Longer ids are not repeated. */
const longestId = 200

/**
 * The lines of an NDJSON body summarised together, at a memory that does not depend on how many there are. A line that cannot be read or run is counted, and the first
 * ones are told with their problems; where the address itself is wrong, or no line is right, that is the answer.
 */
export async function summariseLines (pool: Service['pool'], entry: Served, lines: AsyncIterable<Line>, limit: number, query: Readonly<Record<string, unknown>>, request: FastifyRequest): Promise<object> {
  formatFor(request.headers.accept, ['json'])
  const failed = new Failed(request)
  let all: Summary | null = null
  let plan: Plan | null = null
  // What is wrong with it is wrong before there is a line.
  const choice = readSummary(withQuery({}, entry.id, query).summary, '/summary')!
  const read = ({ number, bytes }: Line): Waiting & Summarised | null => {
    let line: Readonly<Record<string, unknown>> = {}
    try {
      line = readLine(bytes, limit)
      const { id, ...body } = line
      const elsewhere = ofAddress.find((name) => body[name] !== undefined)
      if (elsewhere !== undefined) throw new Fault('invalid_value', `"${elsewhere}" stands in the address, for all lines`, `/${elsewhere}`)
      const whole = withQuery(body, entry.id, query)
      return { number, id: isShort(id) ? id : undefined, ...decodeLine(whole, entry, 'hidden-states') as Summarised }
    } catch (error) {
      // What stands in the address is wrong for every line.
      if (error instanceof Fault && ofAddress.some((name) => error.pointer === `/${name}` || error.pointer?.startsWith(`/${name}/`) === true) && ofAddress.every((name) => line[name] === undefined)) throw error
      failed.add(number, line.id, error as Error)
      return null
    }
  }
  const groups = grouped(lines, read, (probe) => planOf(entry, probe), (plan, { initial }) => independent(entry.file, plan, initial))
  for await (const { parts, plan: own } of inOrder(groups, async ({ plan, probe, lines }) => ({ plan, parts: await runGroup(pool, entry, plan, probe, choice, lines, failed, request) }))) {
    plan ??= own
    for (const part of parts) {
      if (all === null) all = part
      else addSummary(all, part)
      checkSize(sizeOf(all))
    }
  }
  if (all === null || plan === null) throw failed.first ?? new Fault('invalid_value', 'there is no line: send one for each sequence, {"inputs": ...}', '')
  return summaryAnswer(entry, plan, choice, all, failed.count === 0 ? {} : { failed: failed.report() })
}

const ofAddress = ['model', 'version', 'layers', 'tensors', 'steps', 'outputs', 'summary', 'intervene']

/** Lines of one shape together, as many as fill a group or as may wait; the largest group makes room. */
async function * grouped (
  lines: AsyncIterable<Line>,
  read: (line: Line) => Waiting & Summarised | null,
  planOf: (probe: Probe) => Plan,
  independent: (plan: Plan, batch: Batch) => boolean
): AsyncGenerator<Group> {
  const groups = new Map<string, Group>()
  let waiting = 0
  let numbers = 0
  const take = (key: string): Group => {
    const group = groups.get(key)!
    groups.delete(key)
    waiting -= group.lines.length
    numbers -= group.lines.reduce((sum, { batch }) => sum + numbersOf(batch), 0)
    return group
  }
  for await (const line of lines) {
    const one = read(line)
    if (one === null) continue
    const { number, id, probe, batch } = one
    const plan = planOf(probe)
    if (!independent(plan, batch)) {
      yield { plan, probe, lines: [{ number, id, batch }] }
      continue
    }
    const key = shapeOf(probe, batch)
    const group = groups.get(key) ?? { plan, probe, lines: [] }
    groups.set(key, group)
    group.lines.push({ number, id, batch })
    waiting++
    numbers += numbersOf(batch)
    if (group.lines.length >= mostLines || group.lines.length * numbersOf(batch) >= mostNumbers) yield take(key)
    else if (waiting >= mostWaiting.lines || numbers >= mostWaiting.numbers) yield take([...groups].reduce((a, b) => b[1].lines.length > a[1].lines.length ? b : a)[0])
  }
  for (const key of groups.keys()) yield take(key)
}

const numbersOf = (batch: Batch): number => inputsOf(batch).numbers

/** What must be the same for two lines to run as one batch. */
const shapeOf = ({ raw }: Probe, { inputs, initial }: Batch): string =>
  JSON.stringify([raw, Object.entries(inputs).map(([name, { shape }]) => [name, shape]), Object.entries(initial).map(([key, states]) => [key, Object.keys(states)])])

/** The summary of a group, or where that fails of each line by itself: what is wrong with one is no other's trouble. */
async function runGroup (pool: Service['pool'], entry: Served, plan: Plan, probe: Probe, choice: SummaryChoice, lines: readonly Waiting[], failed: Failed, request: FastifyRequest): Promise<Summary[]> {
  // Joined arrays are copies: those of the lines are still there for a second try.
  const run = async (some: readonly Waiting[]): Promise<Summary> => await patiently(pool, async () => await summaryOf(pool, entry, plan, join(some.map(({ batch }) => batch)), probe, choice, patienceOf(request)))
  if (lines.length > 1) {
    const together = await run(lines).catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error
      return null
    })
    if (together !== null) return [together]
  }
  const parts: Summary[] = []
  for (const line of lines) {
    await run([line]).then((part) => parts.push(part), (error: Error) => failed.add(line.number, line.id, error))
  }
  return parts
}

/** Lines that are not in the summary. */
class Failed {
  count = 0
  readonly #request: FastifyRequest
  /** The first ones of the body, in its order. */
  #problems: { readonly number: number, readonly id: unknown, readonly fault: Fault }[] = []

  constructor (request: FastifyRequest) {
    this.#request = request
  }

  /** Throws what is not the line's fault. */
  add (number: number, id: unknown, error: Error): void {
    if (!(error instanceof Fault)) throw error
    this.count++
    if (this.#problems.length === told && this.#problems[told - 1].number < number) return
    this.#problems = [...this.#problems, { number, id, fault: error }].sort((a, b) => a.number - b.number).slice(0, told)
  }

  get first (): Fault | undefined {
    const [first] = this.#problems
    return first === undefined ? undefined : new Fault(first.fault.code, `none of ${this.count} lines could be summarised; line ${first.number}: ${first.fault.message}`, first.fault.pointer)
  }

  report (): object {
    return {
      lines: this.count,
      problems: this.#problems.map(({ number, id, fault }) => ({ ...(isShort(id) ? { id } : {}), ...problem(fault, this.#request.id), line: number }))
    }
  }
}

const isShort = (id: unknown): boolean => id !== undefined && !isObject(id) && !Array.isArray(id) && String(id).length <= longestId
