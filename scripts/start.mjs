// npm start [-- ARGUMENTS]: engine, build, then the service, in this very process: its arguments, signals and exit code are its own.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { projectFolder } from './engine/names.mjs'
import { buildStep, engineStep } from './steps.mjs'

// The flags this script looks at too; all of them go on to the service, which checks them.
const { values } = parseArgs({
  options: { engine: { type: 'string' }, help: { type: 'boolean', short: 'h' }, openapi: { type: 'boolean' } },
  strict: false
})
const serves = values.help !== true && values.openapi !== true
if (serves) await engineStep((typeof values.engine === 'string' && values.engine) || process.env.ENGINE || undefined)
buildStep()

const cli = join(projectFolder, 'dist', 'src', 'cli.js')
if (!existsSync(cli)) {
  console.error(`start: there is no ${cli}`)
  process.exit(1)
}
if (process.env.npm_lifecycle_event === 'start') closeWithShell()
process.setSourceMapsEnabled(true)
process.argv[1] = cli
await import(pathToFileURL(cli).href)

// npm hands SIGTERM on to the shell between it and this process, and most shells end without telling anybody.
function closeWithShell () {
  const shell = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 200)
  watch.unref()
}
