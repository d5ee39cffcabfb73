// What failed in a run of tap, for saying it last: of a long log often the end alone is kept.

import { Parser } from 'tap-parser'

const longest = 40 // lines of a failure's diagnostics

/** Takes what tap writes, in any pieces; `texts()` then has one text a failed assertion, and one a file that ended badly. */
export class Failures {
  #found = []
  #parser = this.#watch(new Parser())

  write (text) {
    this.#parser.write(text)
  }

  texts () {
    this.#parser.end()
    return this.#found
  }

  #watch (parser, within = []) {
    parser.on('child', child => this.#watch(child, [...within, child.name]))
    parser.on('assert', result => {
      const name = [...within, result.name].join(' > ')
      // A test that failed for what is in it says nothing new; one that ended too early or too late does.
      if (result.ok || this.#found.some(text => text.startsWith(`${name} > `))) return
      const lines = result.diag ? JSON.stringify(result.diag, null, 2).split('\n') : []
      this.#found.push([name, ...lines.slice(0, longest)].join('\n'))
    })
    return parser
  }
}
