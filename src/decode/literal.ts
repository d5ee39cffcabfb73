import { refuse } from './refuse.ts'

export const languages = ['python', 'javascript'] as const
export type Language = typeof languages[number]

/**
 * A text as a string literal in which nothing can end a line, a comment, a string or a script element: JSON's, in ASCII alone, without `<`, `>` and `&`.
 * The only way in which words of a model file get into a program.
 */
export function literal (text: string, language: Language): string {
  // JSON's own escapes are the same in both languages, lone surrogates among them; what lies beyond the first plane has no escape that both know.
  return JSON.stringify(text).replace(/[<>&\u007f-\u{10ffff}]/gu, (character) => {
    const code = character.codePointAt(0)!.toString(16)
    if (code.length <= 4) return `\\u${code.padStart(4, '0')}`
    return language === 'python' ? `\\U${code.padStart(8, '0')}` : `\\u{${code}}`
  })
}

/** A number as both languages write it. Throws for what is none: where a config should have a number, a stranger's may have anything. */
export function numeral (value: number): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) refuse(`decode cannot write ${JSON.stringify(String(value))} as a number`)
  return String(value)
}
