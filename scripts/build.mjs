// node scripts/build.mjs: compiles src and test to dist with tsc, the native engine with a C++ compiler, and bundles the inspector's page, when anything has changed since it last did.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { projectFolder } from './engine/names.mjs'
import { buildInspector } from './inspector.mjs'
import { buildNative } from './native.mjs'

const rooms = ['src', 'test']
const page = join(projectFolder, 'src', 'inspector')
const stampFile = join(projectFolder, 'dist', '.built')

/**
 * Compiles what is stale.
 * @returns {boolean} whether dist now says what the sources say
 */
export function build () {
  const tsc = compiler()
  if (tsc === null) {
    // An installation without development packages, such as the image, brings its dist along.
    if (existsSync(join(projectFolder, 'dist/src/cli.js'))) return true
    console.error('build: TypeScript is not installed; run npm ci first, with development packages (NODE_ENV not production)')
    return false
  }
  buildNative()
  const stamp = fingerprint(tsc.version)
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return true
  console.error('build: compiling src and test to dist')
  const { status, error } = spawnSync(process.execPath, [tsc.file, '--project', projectFolder], { stdio: ['ignore', 2, 2] })
  if (error !== undefined) console.error(`build: ${error.message}`)
  if (status !== 0 || (existsSync(page) && !buildInspector(page, tsc.file))) {
    rmSync(stampFile, { force: true })
    return false
  }
  removeOrphans()
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, stamp)
  return true
}

function compiler () {
  const require = createRequire(import.meta.url)
  try {
    const packageFile = require.resolve('typescript/package.json')
    return { file: join(dirname(packageFile), 'bin', 'tsc'), version: require(packageFile).version }
  } catch {
    return null
  }
}

function filesBelow (folder, ending) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true })
    .filter(name => name.endsWith(ending))
    .map(name => join(folder, name))
    .sort()
}

// Path, size and time of every source, with the compiler and its settings: cheap, and a deleted file shows too.
function fingerprint (version) {
  const hash = createHash('sha256').update(version).update(readFileSync(join(projectFolder, 'tsconfig.json')))
  for (const file of [...rooms.flatMap(room => filesBelow(join(projectFolder, room), '.ts')), ...filesBelow(page, '')]) {
    const { size, mtimeMs } = statSync(file)
    hash.update(`${file}\n${size}\n${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

// tsc leaves the output of a deleted source where it is: a test that is gone would still run.
function removeOrphans () {
  for (const room of rooms) {
    const out = join(projectFolder, 'dist', room)
    for (const file of filesBelow(out, '.js')) {
      const source = join(projectFolder, file.slice(join(projectFolder, 'dist').length + 1).replace(/\.js$/, '.ts'))
      if (!existsSync(source)) rmSync(file)
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !build()) process.exit(1)
