import { holdGoldens } from './hold.ts'

await holdGoldens('native', 1e-5)
