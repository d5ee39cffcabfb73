import { computed, signal } from '@preact/signals'
import { themeOf } from './palette.ts'

const wanted = matchMedia('(prefers-color-scheme: dark)')
const stored = localStorage.getItem('statescope-theme')
const system = signal(wanted.matches)
wanted.addEventListener('change', () => { system.value = wanted.matches })

/** `light`, `dark`, or what the system says. */
export const scheme = signal<'light' | 'dark' | 'system'>(stored === 'light' || stored === 'dark' ? stored : 'system')
export const theme = computed(() => themeOf(scheme.value === 'system' ? system.value : scheme.value === 'dark'))

scheme.subscribe((value) => {
  if (value === 'system') localStorage.removeItem('statescope-theme')
  else localStorage.setItem('statescope-theme', value)
})
theme.subscribe(({ dark }) => { document.documentElement.dataset.theme = dark ? 'dark' : 'light' })
