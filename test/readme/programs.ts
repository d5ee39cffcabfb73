import { spawn, spawnSync } from 'node:child_process'

/** How a language's examples are run: the program reads them from its standard input. */
interface Program {
  readonly command: string
  readonly args: readonly string[]
  /** Ends with 0 where all that the examples need is there. */
  readonly trial: readonly string[]
  /** What to call it where it is missing. */
  readonly name: string
}

export const programs: Readonly<Record<string, Program>> = {
  sh: { command: 'sh', args: ['-e'], trial: ['-c', 'curl --version'], name: 'a shell with curl' },
  python: { command: 'python3', args: ['-'], trial: ['-c', 'import urllib.request'], name: 'Python 3' },
  r: { command: 'Rscript', args: ['-'], trial: ['-e', 'library(httr2); library(jsonlite)'], name: 'R with httr2 and jsonlite' },
  js: { command: process.execPath, args: ['--input-type=module', '-'], trial: ['--version'], name: 'Node' }
}

export const isThere = ({ command, trial }: Program): boolean => spawnSync(command, trial, { stdio: 'ignore', timeout: 30_000 }).status === 0

/** What the code prints. Rejects with what it said when it fails. Does not block: the service it asks may live in this process. */
export function outputOf ({ command, args }: Program, code: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { timeout: 60_000, env: { ...process.env, LC_ALL: 'C.UTF-8', NO_COLOR: '1' } })
    let out = ''
    let words = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
    child.stderr.setEncoding('utf8').on('data', (text: string) => { words += text })
    child.once('error', reject)
    child.once('close', (status, signal) => {
      if (status === 0) resolve(out)
      else reject(new Error(`${command} ended with ${status ?? signal}: ${words}`))
    })
    child.stdin.end(code)
  })
}
