#!/usr/bin/env node
import closeWithGrace from 'close-with-grace'
import { openapiYaml } from './app.ts'
import { banner } from './banner.ts'
import { help, readCommand, SettingsError } from './config.ts'
import { startServer } from './server.ts'

// Standard output is for people: the banner, the help, the document. The log goes to standard error.
try {
  const command = readCommand(process.argv.slice(2), process.env)
  if (command.run === 'help') process.stdout.write(help())
  else if (command.run === 'openapi') process.stdout.write(await openapiYaml())
  else {
    const server = await startServer(command)
    closeWithGrace({ delay: 30_000, logger: server.log }, async ({ err }) => {
      if (err !== undefined) server.log.fatal(err)
      await server.close()
    })
    process.stdout.write(banner(server))
  }
} catch (error) {
  if (!(error instanceof SettingsError)) throw error
  process.stderr.write(`statescope: ${error.message}\n`)
  process.exit(1)
}
