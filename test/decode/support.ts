import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { decode } from '../../src/decode/decode.ts'
import { describeWeights } from '../../src/describe/weights.ts'
import type { ModelFile } from '../../src/model.ts'
import { pythonWith } from '../http/python.ts'

export const python = pythonWith('numpy')
export const withoutPython = python === null && 'no Python with numpy: install test/http/v2/requirements.txt and set TRITON_PYTHON'

/** A model's programs and what they read, in files of a folder. */
export interface Written { readonly folder: string, readonly inputs: unknown, readonly weights: unknown }

export function write (root: string, name: string, file: ModelFile, inputs: unknown): Written {
  const folder = join(root, name.replace(/[^\w.-]/g, '_'))
  mkdirSync(folder)
  const head = { id: 'm', version: 1, digest: 'sha256:0', file }
  const weights = Buffer.from(describeWeights(head, { values: true, layout: 'gates' })).toString()
  writeFileSync(join(folder, 'decode.py'), decode(head, 'python'))
  writeFileSync(join(folder, 'decode.mjs'), decode(head, 'javascript'))
  writeFileSync(join(folder, 'weights.json'), weights)
  writeFileSync(join(folder, 'inputs.json'), JSON.stringify(inputs))
  return { folder, inputs, weights: JSON.parse(weights) }
}

interface Module { readonly predict: (weights: unknown, inputs: unknown) => unknown, readonly sample: (probabilities: readonly number[], temperature?: number, random?: () => number) => number }

export const load = async (folder: string): Promise<Module> => await import(pathToFileURL(join(folder, 'decode.mjs')).href) as Module

export const byJavaScript = async ({ folder, weights, inputs }: Written): Promise<unknown> => (await load(folder)).predict(weights, inputs)

/** What Python's programs print, all in one process: it is NumPy that takes its time to start. */
export function byPython (all: readonly Written[]): unknown[] {
  const { stdout, stderr, status } = spawnSync(python!, ['test/decode/run.py'], { input: JSON.stringify(all.map(({ folder }) => folder)), encoding: 'utf8', maxBuffer: 2 ** 28, timeout: 120_000 })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as unknown[]
}
