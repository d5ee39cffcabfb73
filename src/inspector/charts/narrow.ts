import { signal } from '@preact/signals'

const query = matchMedia('(max-width: 40rem)')

/** Whether the page is as narrow as a telephone: pictures with many columns are turned. */
export const narrow = signal(query.matches)
query.addEventListener('change', () => { narrow.value = query.matches })
