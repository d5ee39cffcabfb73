// The inspector's page: its sources checked with tsc and bundled to dist/inspector with esbuild.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { projectFolder } from './engine/names.mjs'

const out = join(projectFolder, 'dist', 'inspector')

/**
 * Checks and bundles the page.
 * @param {string} sources the folder of its sources
 * @param {string} tsc the compiler's file
 * @returns {boolean} whether dist/inspector now says what the sources say
 */
export function buildInspector (sources, tsc) {
  const { status } = spawnSync(process.execPath, [tsc, '--project', sources], { stdio: ['ignore', 2, 2] })
  if (status !== 0) return false
  mkdirSync(out, { recursive: true })
  // Asked for only here: an installation without development packages has no bundler, and needs none.
  const { buildSync } = createRequire(import.meta.url)('esbuild')
  const { errors } = buildSync({
    // Each a file of its own: the page, and what it runs beside itself.
    entryPoints: { main: join(sources, 'main.tsx'), cluster: join(sources, 'views/states/cluster-worker.ts') },
    outdir: out,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { 'process.env.NODE_ENV': '"production"' },
    // The licences of what is bundled go along, in a file of their own.
    legalComments: 'linked',
    logLevel: 'warning'
  })
  for (const file of ['index.html', 'icon.svg']) cpSync(join(sources, file), join(out, file))
  return errors.length === 0
}
