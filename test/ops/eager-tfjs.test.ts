import t from 'tap'
import { loadEngine } from '../../src/ops/engine.ts'
import { checkEngine } from './engine-checks.ts'

const engine = await loadEngine('auto')
if (engine.name === 'tfjs') checkEngine(t, engine)
else t.test('the native engine', { skip: 'no native engine is set up' }, async () => {})
