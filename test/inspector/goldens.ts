import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { serve, type Running } from '../support/service.ts'

/** A service on some of the goldens, by their files' names: models of other kinds than the samples. */
export async function serveGoldens (...files: readonly string[]): Promise<Running> {
  const folder = t.testdir()
  mkdirSync(folder, { recursive: true })
  for (const file of files) cpSync(join('test/goldens/models', file), join(folder, file))
  const running = await serve({ MODELS_DIR: folder })
  t.teardown(async () => await running.server.close())
  return running
}
