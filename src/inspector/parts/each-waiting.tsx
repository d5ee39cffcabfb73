import type { AskedEach } from '../api/use-ask-each.ts'

/** What stands above a picture of several requests while they are under way: how many are answered. */
export function EachWaiting ({ of: { done, answers, pending, cancel }, what }: { of: AskedEach<unknown>, what: string }) {
  return (
    <div class='waiting' aria-live='off'>
      {pending ? <p class='progress'><progress aria-label={what} value={done} max={answers.length} /> {what}: {done} of {answers.length} <button type='button' onClick={cancel}>Cancel</button></p> : null}
      {!pending && done < answers.length ? <p class='note'>{done} of {answers.length} were asked for; the others were cancelled.</p> : null}
    </div>
  )
}
