import { readCommand } from '../../src/config.ts'
import { startServer, type Server } from '../../src/server.ts'

export interface Running {
  readonly url: string
  readonly server: Server
  /** JSON there and back over real HTTP. */
  readonly ask: (path: string, body?: unknown) => Promise<{ status: number, body: Record<string, any> }>
}

/** Starts the real service on a free port of the loopback, with the engine and the models there are; `files` are named as on a command line. */
export async function serve (settings: Readonly<Record<string, string>>, files: readonly string[] = []): Promise<Running> {
  const command = readCommand([...files], { PORT: '0', LOG_LEVEL: 'silent', WORKERS: '1', ...settings })
  if (command.run !== 'serve') throw new Error('these settings start no service')
  const server = await startServer(command)
  return {
    url: server.url,
    server,
    ask: async (path, body) => {
      const response = await fetch(server.url + path, body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
      return { status: response.status, body: await response.json() as Record<string, any> }
    }
  }
}
