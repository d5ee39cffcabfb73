import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder, seen from dist/test/scripts. */
export const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')

/** Imports a file of scripts/, which has no types. */
export async function script (name: string): Promise<any> {
  return await import(new URL(`file://${join(project, 'scripts', name)}`).href)
}

/**
 * Lays a clone of the project into `folder`: its scripts and its installed packages, with a tfjs-node of its own as npm leaves it, so that
 * a set-up that fails in it harms nobody.
 */
export function layClone (folder: string): string {
  cpSync(join(project, 'scripts'), join(folder, 'scripts'), { recursive: true })
  for (const name of ['package.json', 'tsconfig.json', '.taprc']) cpSync(join(project, name), join(folder, name))
  const modules = join(project, 'node_modules')
  mkdirSync(join(folder, 'node_modules', '@tensorflow'), { recursive: true })
  for (const name of readdirSync(modules)) {
    if (name !== '@tensorflow') symlinkSync(join(modules, name), join(folder, 'node_modules', name))
  }
  const tfjsNode = join(folder, 'node_modules', '@tensorflow', 'tfjs-node')
  for (const name of ['package.json', 'binding.gyp', 'binding', 'scripts']) {
    cpSync(join(modules, '@tensorflow', 'tfjs-node', name), join(tfjsNode, name), { recursive: true })
  }
  return tfjsNode
}

/** A folder for PATH that holds the named commands of this machine, and scripts given as text; nothing else. */
export function layCommands (folder: string, names: readonly string[], own: Readonly<Record<string, string>> = {}): string {
  mkdirSync(folder, { recursive: true })
  symlinkSync(process.execPath, join(folder, 'node'))
  for (const name of names) {
    const found = (process.env.PATH ?? '').split(':').map(path => join(path, name)).find(path => existsSync(path))
    if (found !== undefined) symlinkSync(found, join(folder, name))
  }
  for (const [name, text] of Object.entries(own)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  return folder
}

export interface Outcome { code: number | null, signal: string | null, out: string, err: string, seconds: number }

/** This process' environment without what tap and npm add for the processes they start. */
export function plainEnv (): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(_?TAP|NODE_OPTIONS$|npm_|CI$|ENGINE$)/.test(name)) env[name] = value
  }
  return env
}

/** Runs node on a file; `during` may send it signals. */
export async function node (args: readonly string[], cwd: string, env: Record<string, string>, during?: (child: ChildProcess) => void): Promise<Outcome> {
  const start = performance.now()
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', chunk => { out += String(chunk) })
  child.stderr.on('data', chunk => { err += String(chunk) })
  during?.(child)
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, out, err, seconds: (performance.now() - start) / 1000 }))
  })
}

/** A listener on a loopback port that does what `answer` says with each connection. */
export async function listener (answer: (socket: Socket) => void): Promise<{ port: number, close: () => void }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    answer(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  }
}
