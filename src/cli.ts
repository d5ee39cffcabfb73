#!/usr/bin/env node
import closeWithGrace from 'close-with-grace'
import { banner } from './banner.ts'
import { help, readCommand, SettingsError, type Serve } from './config.ts'
import { beginServer } from './server.ts'
import { isSupervised, supervise, tellUp } from './supervise.ts'

/** A stop takes no longer, in milliseconds: within the 30 s that most who send signals wait before they kill. */
const longestStop = 28_000

/** What native code that goes wrong ends with: caught, the process would not end but go wrong for ever. */
const crashes = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV'] as const

// Standard output is for people: the banner, the help, the document. The log goes to standard error.
try {
  const command = readCommand(process.argv.slice(2), process.env)
  if (command.run === 'help') process.stdout.write(help())
  else if (command.run === 'openapi') process.stdout.write(await (await import('./app.ts')).openapiYaml())
  else if (command.settings.SUPERVISE && !isSupervised) supervise(process.argv.slice(2))
  else await serve(command)
} catch (error) {
  if (!(error instanceof SettingsError)) throw error
  process.stderr.write(`statescope: ${error.message}\n`)
  process.exit(1)
}

async function serve (command: Serve): Promise<void> {
  const starting = await beginServer(command)
  const { log } = starting
  // A thread in a native call would keep the process from its end, and nothing can interrupt it.
  const kill = (): void => { process.kill(process.pid, 'SIGKILL') }
  const onTimeout = (): void => {
    log.error(`not all was answered within ${longestStop / 1000} s`)
    kill()
  }
  const { close } = closeWithGrace({ delay: longestStop, logger: log, onTimeout, skip: ['SIGTERM', ...crashes] }, async ({ err }) => {
    if (err !== undefined) log.fatal(err)
    if (!await starting.close()) kill()
  })
  // A second SIGTERM says nothing new; a second Ctrl-C means it.
  let stopping = false
  const stop = (): void => {
    if (!stopping) close()
    stopping = true
  }
  process.on('SIGTERM', stop)
  tellUp(stop)
  process.stdout.write(banner(await starting.ready))
}
