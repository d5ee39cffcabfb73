import type { Asked } from '../api/use-ask.ts'
import { Refusal } from '../api/call.ts'

/** What stands above pictures while their answer is under way, or in their place when it was refused or is no longer wanted. */
export function Waiting ({ of: { pending, error, cancelled, cancel, again }, what }: { of: Omit<Asked<unknown>, 'answer'>, what: string }) {
  return (
    <div class='waiting' aria-live='polite'>
      {pending ? <p class='progress'><progress aria-label={what} /> {what} <button type='button' onClick={cancel}>Cancel</button></p> : null}
      {cancelled ? <p class='progress'>{what}: cancelled. <button type='button' onClick={again}>Ask again</button></p> : null}
      {error === null ? null : <ErrorNote error={error} again={again} />}
    </div>
  )
}

/** A refusal in the service's own words; with `again` where the same request may fare better later. */
export function ErrorNote ({ error, again }: { error: Error, again?: () => void }) {
  const problem = error instanceof Refusal ? error.problem : null
  return (
    <p class='error' role='alert'>
      {error.message}{problem?.pointer === undefined || problem.pointer === '' ? null : <> (at <code>{problem.pointer}</code>)</>}
      {again !== undefined && (problem === null || problem.status >= 429) ? <> <button type='button' onClick={again}>Try again</button></> : null}
    </p>
  )
}
