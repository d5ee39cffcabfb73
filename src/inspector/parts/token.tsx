import { locked, token } from '../api/call.ts'

/** Asks for the service's API_TOKEN, where it has one. */
export function Token () {
  const enter = (event: SubmitEvent): void => {
    event.preventDefault()
    token.value = String(new FormData(event.currentTarget as HTMLFormElement).get('token'))
    locked.value = false
  }
  return (
    <main id='view' tabIndex={-1}>
      <form class='token' onSubmit={enter}>
        <p>This service asks for a token{token.value === '' ? '' : ', and refused the one it was given'}. Whoever runs it has set it as <code>API_TOKEN</code>; it is kept for this tab only.</p>
        <label>Token <input name='token' type='password' autocomplete='off' required /></label>
        <button type='submit'>Open</button>
      </form>
    </main>
  )
}
