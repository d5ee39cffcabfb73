import { LRUCache } from 'lru-cache'
import type { ModelFile, Values } from '../model.ts'
import type { Engine } from '../ops/engine.ts'
import { Unsupported } from '../ops/native/view.ts'
import type { Plan } from '../plan/plan.ts'
import type { LoadCheck } from '../pool/protocol.ts'
import type { Receipt } from '../registry/entry.ts'
import type { Batch } from '../request/probe.ts'
import { Fault } from '../errors.ts'
import { graphKey, type Compiled, type Compiler } from './compiled.ts'
import { eagerRuntime, reside } from './eager-runtime.ts'
import { extract, type Traced } from './extract.ts'
import { checkModel, compare } from './load-check.ts'
import { gradients, type Choose, type Start } from './gradients.ts'
import { recheck, tolerance } from './receipt.ts'

/** Compiled plans kept of one model; each has a copy of the weights it needs. */
const kept = 8
/** One in so many answers of the compiled engine is computed by the reference too. */
const sampling = 256

/** A model on the engines of one thread: op by op on tfjs or wasm, the reference; and compiled, where that is to be had. */
export interface Hosted {
  readonly file: ModelFile
  run: (plan: Plan, batch: Batch) => Promise<{ traced: Traced, receipt: Receipt }>
  /** By the reference, op by op; see run/gradients.ts. */
  gradients: (plan: Plan, batch: Batch, starts: readonly Start[], pick: Choose) => Values[]
  dispose: () => Promise<void>
}

/** A compiled plan, and who runs it. */
interface Fast { readonly name: Compiler['name'], readonly plan: Compiled }

interface Reference { readonly traced: Traced, readonly difference: number }

/**
 * Brings a model onto the engines and tries it there: the reference against float64 and Keras' own record, the compiled plans against the
 * reference. A plan that does not compile, or differs, is computed by the reference, and its receipt says why. `reason` instead of a
 * model where the reference itself does not pass. `compilers`: the fastest first; the first that takes a plan has it.
 */
export async function host (engine: Engine, compilers: readonly Compiler[], file: ModelFile, check: LoadCheck): Promise<{ receipt: Receipt, reason?: string, model: Hosted | null }> {
  const runtime = eagerRuntime(engine)
  const resident = reside(engine, file.graph)
  const slow = engine.reason === undefined ? {} : { warning: engine.reason }
  const plans = new LRUCache<string, Fast>({ max: kept, dispose: ({ plan }) => leaving.push(plan) })
  /** Compiled plans that have made room and are not disposed of yet. */
  const leaving: Compiled[] = []
  const refused = new Map<string, string>()
  /** Which compilers have given a plan up, and why. */
  const given = new Map<string, Map<Compiler['name'], string>>()
  let answers = 0

  const leave = async (): Promise<void> => { for (const { dispose } of leaving.splice(0)) await dispose() }

  const byReference = (plan: Plan, batch: Batch, clamps?: Plan['clamps']): Reference => runtime.scope(() => {
    const { traced, evidence } = extract(runtime, resident, file, plan, batch, clamps)
    return { traced, difference: recheck(runtime, resident, file.keras, evidence) }
  })

  /** The compiled plan, or why there is none. The one used longest ago makes room. */
  const compiled = async (plan: Plan, batch: Batch): Promise<Fast | { readonly warning?: string }> => {
    if (compilers.length === 0) return slow
    const key = graphKey(plan, batch)
    const no = refused.get(key)
    if (no !== undefined) return { warning: no }
    const known = plans.get(key)
    if (known !== undefined) return known
    const unfit = given.get(key)
    const reasons = [...unfit?.values() ?? []]
    for (const { name, compile } of compilers) {
      if (unfit?.has(name) === true) continue
      let fresh: Compiled | null = null
      try {
        fresh = await compile(file, plan, batch)
        // Its first answer is held against the reference before any is given.
        const { difference, where } = compare((await fresh.run(plan, batch)).traced, byReference(plan, batch).traced)
        if (!(difference <= tolerance)) throw new Error(`it differs from ${engine.name} by ${difference.toPrecision(3)} in ${where}`)
        const fast = { name, plan: fresh }
        plans.set(key, fast)
        await leave()
        return fast
      } catch (error) {
        await fresh?.dispose()
        reasons.push((error as Error).message)
      }
    }
    const warning = `computed op by op by ${engine.name}, because the compiled plan is not used: ${reasons.join('; ')}`
    refused.set(key, warning)
    return { warning }
  }

  const forgo = (plan: Plan, batch: Batch, name: Compiler['name'], { message }: Unsupported): void => {
    const key = graphKey(plan, batch)
    given.set(key, new Map([...given.get(key) ?? [], [name, message]]))
    plans.delete(key)
  }

  const receiptOf = (name: string, checked: string[], maxDifference: number, warning: { warning?: string }): Receipt => {
    if (!(maxDifference <= tolerance)) {
      throw new Fault('unsound', `the states do not follow from the gates: they differ by ${maxDifference.toPrecision(3)}, ${tolerance} is allowed. The answer is withheld; please report the model`)
    }
    return { engine: name, checked, maxDifference, tolerance, sound: true, ...warning }
  }

  const run: Hosted['run'] = async (plan, batch) => {
    const { traced, receipt } = await runOnce(plan, batch)
    if (plan.clamps === undefined) return { traced, receipt }
    // Clamps are the request's own: a graph compiled for them would hardly be used again. The compiled plan is that of the first run, which knows of none.
    const { traced: { layers, outputs }, difference } = byReference(plan, batch, plan.clamps)
    const checked = [...receipt.checked, `gates and states with what is kept, by ${engine.name}`]
    const { warning } = receipt
    return { traced: { ...traced, intervened: { layers, outputs } }, receipt: receiptOf(receipt.engine, checked, Math.max(receipt.maxDifference, difference), warning === undefined ? {} : { warning }) }
  }

  /** As if nothing were kept. */
  const runOnce: Hosted['run'] = async (plan, batch) => {
    const fast = await compiled(plan, batch)
    if (!('plan' in fast)) {
      const { traced, difference } = byReference(plan, batch)
      return { traced, receipt: receiptOf(engine.name, ['gates and states'], difference, fast) }
    }
    const answer = await fast.plan.run(plan, batch).catch((error: unknown) => {
      if (error instanceof Unsupported) return error
      throw error
    })
    if (answer instanceof Unsupported) {
      // Of another size the same plan may need what its compiler has not: from now on another one has it.
      forgo(plan, batch, fast.name, answer)
      return await runOnce(plan, batch)
    }
    const { traced, difference, checked } = answer
    const own = checked ? 'gates and states' : 'gates and states of an earlier answer'
    // A check that came across what is not finite cannot tell: the reference can.
    if (answers++ % sampling !== 0 && !Number.isNaN(difference)) return { traced, receipt: receiptOf(fast.name, [own], difference ?? 0, slow) }
    const apart = compare(traced, byReference(plan, batch).traced).difference
    return { traced, receipt: receiptOf(fast.name, [own, engine.name], Math.max(Number.isNaN(difference) ? 0 : difference ?? 0, apart), slow) }
  }

  const dispose = async (): Promise<void> => {
    resident.dispose()
    plans.clear()
    await leave()
  }

  const model: Hosted = { file, run, gradients: (plan, batch, starts, pick) => gradients(engine, resident, file, plan, batch, starts, pick), dispose }

  try {
    const { receipt, reason } = checkModel(engine.name, runtime, resident, file, check)
    if (reason !== undefined) {
      await dispose()
      return { receipt: { ...receipt, ...slow }, reason, model: null }
    }
    if (compilers.length === 0) return { receipt: { ...receipt, ...slow }, model }
    const own = await run(check.plan, check.sample)
    const whole = { ...receipt, engine: own.receipt.engine, checked: [...receipt.checked, ...own.receipt.engine === engine.name ? [] : [engine.name]], maxDifference: Math.max(receipt.maxDifference, own.receipt.maxDifference) }
    return { receipt: { ...whole, ...slow, ...(own.receipt.warning === undefined ? {} : { warning: own.receipt.warning }) }, model }
  } catch (error) {
    await dispose()
    throw error
  }
}
