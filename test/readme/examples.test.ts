import { readFileSync } from 'node:fs'
import t from 'tap'
import { serve } from '../support/service.ts'
import { blocksOf, examplesOf } from './blocks.ts'
import { difference } from './compare.ts'
import { isThere, outputOf, programs } from './programs.ts'

const blocks = blocksOf(readFileSync('README.md', 'utf8'))

/** The services that the page speaks to, by the address it gives. */
const services: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'http://127.0.0.1:8080': {},
  'http://127.0.0.1:8081': { API_TOKEN: 'secret' }
}

t.test('no code of the page stands there without being run, unless it says why', async (t) => {
  for (const { language, marker, line } of blocks) {
    if (language in programs) t.match(marker, /^(example|not run): \S/, `line ${line}`)
  }
  for (const { text, line } of blocks.filter(({ marker }) => marker?.startsWith('not run') === true)) t.notMatch(text, /curl|fetch|library/, `line ${line} asks the service: it can be run`)
})

t.test('each example answers what the page says', async (t) => {
  const running = await Promise.all(Object.entries(services).map(async ([address, settings]) => [address, await serve({ MODELS_DIR: 'models', ENGINE: process.env.ENGINE || 'auto', ...settings })] as const))
  t.teardown(async () => { await Promise.all(running.map(async ([, { server }]) => await server.close())) })
  const { body: { engine } } = await running[0][1].ask('/health/ready')
  const tolerance = engine === 'wasm' ? 1e-4 : 1e-5
  const present = new Map(Object.entries(programs).map(([language, program]) => [language, isThere(program)]))

  for (const { name, language, code, answer } of examplesOf(blocks)) {
    const program = programs[language]
    t.test(`${name} (${language})`, { skip: present.get(language) === true ? false : `${program.name} is not installed` }, async (t) => {
      const addressed = running.reduce((text, [address, { url }]) => text.replaceAll(address, url), code)
      const given = await outputOf(program, addressed)
      // The page shows the fastest engine; others answer under their own name, some with a warning.
      const shown = answer.replaceAll('"engine": "onnx"', `"engine": "${engine as string}"`)
      const found = difference(shown, given.replaceAll(/,"warning":"(?:[^"\\]|\\.)*"/g, ''), tolerance)
      t.equal(found, null, found === null ? 'is the answer shown' : `expected ${found.expected}\ngot ${found.got}`)
    })
  }
})
