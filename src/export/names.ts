import type { ModelFile } from '../model.ts'
import { planAll } from '../plan/by-name.ts'

/** Names of tensors for the words of a request: what begins names (`lstm`, `lstm/gates`, the path of a nested model) stands for all of them, in their order. */
export function namesFor (file: ModelFile, words: readonly string[]): string[] {
  const all = planAll(file).layers.flatMap(({ key, internals, outputs }) => [...internals, ...outputs].map(({ name }) => `${key}/${name}`))
  const there = new Set(all)
  return [...new Set(words)].flatMap((word) => {
    const under = there.has(word) ? [] : all.filter((name) => name.startsWith(`${word}/`))
    return under.length === 0 ? [word] : under
  })
}
