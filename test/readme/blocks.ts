/** A fenced block of a Markdown page, with the comment that stands before it. */
export interface Block {
  readonly language: string
  readonly text: string
  /** `example: predict`, `answer: predict`, `not run: why`; null where there is none. */
  readonly marker: string | null
  readonly line: number
}

/** Code of the page, and what it prints. An example that comes `after` another is run behind it, in one program. */
export interface Example {
  readonly name: string
  readonly language: string
  readonly code: string
  readonly answer: string
}

/** Every fenced block of a page, in its order. */
export function blocksOf (page: string): Block[] {
  const fence = /(?:^<!-- (.+) -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm
  return [...page.matchAll(fence)].map(({ 0: all, 1: marker, 2: language, 3: text, index }) => ({
    language, text, marker: marker ?? null, line: page.slice(0, index + all.indexOf('```')).split('\n').length
  }))
}

/** The examples among the blocks. Throws where one has no answer, where an answer has no example, or where a name stands twice. */
export function examplesOf (blocks: readonly Block[]): Example[] {
  const examples = new Map<string, Example>()
  const answers = new Map(blocks.flatMap(({ marker, text }) => marker?.startsWith('answer: ') === true ? [[marker.slice('answer: '.length), text] as const] : []))
  for (const { marker, language, text } of blocks) {
    const [, name, before] = /^example: (\S+)(?: after (\S+))?$/.exec(marker ?? '') ?? []
    if (name === undefined) continue
    const answer = answers.get(name)
    if (answer === undefined || examples.has(name)) throw new Error(`the example ${name} needs one answer, and one name`)
    answers.delete(name)
    const first = before === undefined ? undefined : examples.get(before)
    if (before !== undefined && first?.language !== language) throw new Error(`${name} comes after ${before}, which is no example of ${language} above it`)
    examples.set(name, { name, language, code: (first?.code ?? '') + text, answer: (first?.answer ?? '') + answer })
  }
  if (answers.size > 0) throw new Error(`no example gives the answers ${[...answers.keys()].join(', ')}`)
  return [...examples.values()]
}
