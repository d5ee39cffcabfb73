import t from 'tap'
import { loadEngine } from '../../src/ops/engine.ts'
import { checkEngine } from './engine-checks.ts'

checkEngine(t, await loadEngine('wasm'))
