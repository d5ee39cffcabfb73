// The Python of the rivals: what bench/rivals/setup.sh made, or another that BENCH_PYTHON names.

import { join } from 'node:path'

export const python = process.env.BENCH_PYTHON ?? join(import.meta.dirname, 'rivals', '.venv', 'bin', 'python')
