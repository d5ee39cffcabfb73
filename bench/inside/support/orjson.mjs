// orjson and NumPy beside this process, in the rivals' Python.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { python } from '../../python.mjs'

/**
 * Starts a program that prints `ready VERSION`, and then a line of numbers for each line of base64 that it gets. Null where Python, or what the program imports,
 * is not there.
 */
export async function startOrjson (program) {
  const child = spawn(python, ['-c', program], { stdio: ['pipe', 'pipe', 'ignore'] })
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { value } = await lines.next()
  if (value === undefined) return null
  return {
    version: value.split(' ')[1],
    async run (bytes) {
      child.stdin.write(bytes.toString('base64') + '\n')
      const { value } = await lines.next()
      return value.split(' ').map(Number)
    },
    end: () => child.stdin.end()
  }
}
