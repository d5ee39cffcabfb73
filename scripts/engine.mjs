// node scripts/engine.mjs: the engine's set-up alone; `npm start` and `npm test` do it as their first step.

import { engineStep } from './steps.mjs'

const outcome = await engineStep(process.env.ENGINE || undefined)
console.log(outcome.engine === 'tfjs' ? `TensorFlow ${outcome.tensorflow}, ${outcome.way}` : 'WebAssembly')
