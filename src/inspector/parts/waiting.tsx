import type { ComponentChildren } from 'preact'
import type { Asked } from '../api/use-ask.ts'
import { Refusal } from '../api/call.ts'

/** What stands above pictures while their answer is under way, or in their place when it was refused. */
export function Waiting ({ of: { pending, error, cancel, answer }, what, children }: { of: Asked<unknown>, what: string, children?: ComponentChildren }) {
  return (
    <div class='waiting' aria-live='polite'>
      {pending ? <p class='progress'><progress aria-label={what} /> {what} <button type='button' onClick={cancel}>Cancel</button></p> : null}
      {!pending && error === null && answer === null ? <p class='progress'>{children}</p> : null}
      {error === null ? null : <ErrorNote error={error} />}
    </div>
  )
}

/** A refusal in the service's own words. */
export function ErrorNote ({ error }: { error: Error }) {
  const pointer = error instanceof Refusal ? error.problem?.pointer : undefined
  return <p class='error' role='alert'>{error.message}{pointer === undefined || pointer === '' ? null : <> (at <code>{pointer}</code>)</>}</p>
}
