import { holdGoldens } from './hold.ts'

await holdGoldens('onnx', 1e-5)
