import { holdGoldens } from './hold.ts'

await holdGoldens('tfjs', 1e-5)
