import type { FastifyRequest } from 'fastify'
import { Fault } from '../errors.ts'
import type { ModelFile } from '../model.ts'
import type { Plan } from '../plan/plan.ts'
import { numbersOfAnswer } from '../plan/size.ts'
import type { Batch } from '../request/probe.ts'
import type { App } from './service.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** RESPONSE_LIMIT_MB, in bytes. */
    largestAnswer: number
  }
}

/** Bytes of a number: the shortest decimals that give it back, with what stands between two of them; or as it is. */
const [asText, asBytes] = [12, 4]

/** Answers are refused, before anything is run for them, where they would be longer than so many bytes. */
export function limitAnswers (app: App, bytes: number): void {
  app.decorate('largestAnswer', bytes)
}

/** Throws Fault `too_large` where the answer to this would be. */
export function checkAnswer ({ server: { largestAnswer: limit } }: FastifyRequest, file: ModelFile, plan: Plan, batch: Batch, text: boolean): void {
  const each = text ? asText : asBytes
  const numbers = numbersOfAnswer(file, plan, batch, limit / each)
  if (numbers === null || numbers * each <= limit) return
  const [size, allowed] = [numbers * each, limit].map((bytes) => String(Math.round(bytes / 2 ** 20 * 10) / 10))
  const sequences = batch.size > 1 ? ', for fewer sequences, for NDJSON (Accept: application/x-ndjson), which is a line for each sequence' : ''
  throw new Fault('too_large', `the answer would have ${numbers} numbers, about ${size} MiB, and ${allowed} MiB are allowed: ask for fewer layers or tensors, for steps "last", for a summary${sequences}, or start the service with a larger RESPONSE_LIMIT_MB`)
}
