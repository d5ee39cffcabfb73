// Runs another program: output goes to stderr, a failure becomes an Error with the program's last words.

import { spawn } from 'node:child_process'

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, env?: object, seconds: number, quiet?: boolean}} options `seconds` is the time limit;
 *   `quiet` keeps the program's output for the error alone
 * @returns {Promise<string>} its standard output
 */
export function run (command, args, { cwd, env = process.env, seconds, quiet = false }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const stop = () => child.kill('SIGKILL')
    // Not spawn's own time limit, which keeps waiting where the command does not exist.
    const late = setTimeout(stop, seconds * 1000)
    process.once('exit', stop)
    const ended = () => {
      clearTimeout(late)
      process.removeListener('exit', stop)
    }
    let out = ''
    let words = ''
    child.stdout.on('data', chunk => { out += chunk })
    child.stderr.on('data', chunk => { words = (words + chunk).slice(-4000) })
    if (!quiet) {
      child.stdout.on('data', chunk => process.stderr.write(chunk))
      child.stderr.on('data', chunk => process.stderr.write(chunk))
    }
    child.once('error', error => {
      ended()
      reject(new Error(error.code === 'ENOENT' ? `there is no ${command}` : error.message))
    })
    child.once('close', (code, signal) => {
      ended()
      if (code === 0) return resolve(out)
      const how = signal === null ? `exit code ${code}` : signal === 'SIGKILL' ? `stopped after ${seconds} s` : signal
      const said = lastWords(words) || lastWords(out)
      reject(Object.assign(new Error(`${command} failed (${how})${said && `: ${said}`}`), { signal }))
    })
  })
}

// Compilers and pip say what went wrong in the lines with "error"; others at the end.
function lastWords (text) {
  const lines = text.split('\n').map(line => line.trim()).filter(Boolean)
  const errors = lines.filter(line => /\berror\b/i.test(line))
  return (errors[errors.length - 1] ?? lines[lines.length - 1] ?? '').slice(0, 400)
}
