import { readFileSync } from 'node:fs'

/** What package.json says of the project; the compiled file lies three folders below it (dist/src/http). */
export const about = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string, description: string }
