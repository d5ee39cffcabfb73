import { holdGoldens } from './hold.ts'

await holdGoldens('wasm', 1e-4)
