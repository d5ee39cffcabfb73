import t from 'tap'
import type { Fault } from '../../src/errors.ts'
import { decodeLine, sequencesOf } from '../../src/request/ndjson.ts'
import { graphOf, served } from './models.ts'
import { dense, lstm } from '../describe/models.ts'

const entry = served(graphOf({ x: { shape: [null, null, 2] } }, [[lstm('lstm', 1, 2), 'x'], [dense('dense', 1, 1), 'lstm']]))

t.test('a sequence with and without its batch axis, in each form', async (t) => {
  const forms = [
    [[[1, 2], [3, 4], [5, 6]]], [[1, 2], [3, 4], [5, 6]], { x: [[1, 2], [3, 4], [5, 6]] }, { shape: [3, 2], data: [1, 2, 3, 4, 5, 6] }, { shape: [1, 3, 2], data: [1, 2, 3, 4, 5, 6] },
    { shape: [3, 2], order: 'F', data: [1, 3, 5, 2, 4, 6] }, { shape: [3, 2], data: Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer).toString('base64') }
  ]
  for (const inputs of forms) {
    const { batch } = decodeLine({ inputs }, entry, 'predict')
    t.same([batch.size, batch.inputs.x.shape, [...batch.inputs.x.data]], [1, [1, 3, 2], [1, 2, 3, 4, 5, 6]], JSON.stringify(inputs))
  }
  const { batch } = decodeLine({ inputs: { oneHot: [1, 0] } }, entry, 'predict')
  t.same([batch.inputs.x.shape, [...batch.inputs.x.data]], [[1, 2, 2], [0, 1, 1, 0]])
  t.same(decodeLine({ inputs: { oneHot: [[1, 0]] } }, entry, 'predict').batch, batch)
})

function pointerOf (decode: () => unknown): string | undefined {
  try {
    decode()
    return 'no fault'
  } catch (error) {
    return (error as Fault).pointer
  }
}

t.test('pointers are those of the line', async (t) => {
  const cases: [inputs: unknown, pointer: string][] = [
    [[[1, 2], [3, null]], '/inputs/1/1'], [[[[1, 2], [3, null]]], '/inputs/0/1/1'], [{ x: [[1, 2], [3, null]] }, '/inputs/x/1/1'], [{ oneHot: [1, 5] }, '/inputs/oneHot/1'],
    [{ oneHot: [[1, 5]] }, '/inputs/oneHot/0/1'], [[[[1, 2]], [[3, 4]]], '/inputs'], [7, '/inputs']
  ]
  for (const [inputs, pointer] of cases) t.equal(pointerOf(() => decodeLine({ inputs }, entry, 'predict')), pointer, JSON.stringify(inputs))
  t.equal(pointerOf(() => decodeLine({ inputs: [[1, 2]], tensors: 'gates' }, entry, 'predict')), '/tensors')
})

t.test('a batch sequence by sequence, with the states each starts from', async (t) => {
  const batch = {
    inputs: { x: { shape: [2, 1, 2], data: Float32Array.of(1, 2, 3, 4) } }, initial: { lstm: { hidden: { shape: [2, 1], data: Float32Array.of(5, 6) } } }, size: 2
  }
  t.same([...sequencesOf(batch)], [[[1, 2], 5], [[3, 4], 6]].map(([x, h]) => ({
    inputs: { x: { shape: [1, 1, 2], data: Float32Array.from(x as number[]) } }, initial: { lstm: { hidden: { shape: [1, 1], data: Float32Array.of(h as number) } } }, size: 1
  })))
})
