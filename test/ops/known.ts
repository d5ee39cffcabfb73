import type { Computation } from './subject.ts'

/** Computations small enough to be done by hand. */
export const known: readonly { name: string, inputs: readonly unknown[], computation: Computation, expected: unknown }[] = [
  { name: 'broadcast of both sides', inputs: [[[1], [2]], [10, 20, 30]], computation: (ops, [a, b]) => ops.add(a, b), expected: [[11, 21, 31], [12, 22, 32]] },
  { name: 'a number on the left', inputs: [[1, 2, 4]], computation: (ops, [x]) => ops.div(1, x), expected: [1, 0.5, 0.25] },
  { name: 'pow', inputs: [[-2, 3]], computation: (ops, [x]) => ops.pow(x, 3), expected: [-8, 27] },
  { name: 'whole numbers are cut towards zero', inputs: [[-1.7, 1.7]], computation: (ops, [x]) => ops.cast(ops.cast(x, 'int'), 'float'), expected: [-1, 1] },
  { name: 'whole numbers divide as floats', inputs: [[7]], computation: (ops, [x]) => ops.div(ops.cast(x, 'int'), ops.cast(ops.fill(x, 2), 'int')), expected: [3.5] },
  { name: 'true is what is not zero', inputs: [[0, 0.25, 256, -1]], computation: (ops, [x]) => ops.cast(ops.cast(x, 'bool'), 'float'), expected: [0, 1, 1, 1] },
  { name: 'masks add up as numbers', inputs: [[1, -1, 2]], computation: (ops, [x]) => ops.reduce('sum', ops.compare('greater', x, 0)), expected: 2 },
  { name: 'where', inputs: [[1, -1], [[5, 6], [7, 8]]], computation: (ops, [m, x]) => ops.where(ops.compare('greater', m, 0), x, 0), expected: [[5, 0], [7, 0]] },
  { name: 'sign of small numbers', inputs: [[1e-9, -1e-9, 0]], computation: (ops, [x]) => ops.unary('sign', x), expected: [1, -1, 0] },
  {
    name: 'what is not a number stays visible',
    inputs: [[NaN, 1, 2], [1, NaN, 3]],
    computation: (ops, [a, b]) => ops.concat([ops.minimum(a, b), ops.maximum(a, b), ops.maximum(0, a), ops.unary('sign', a), ops.unary('relu', b)], 0),
    expected: [NaN, NaN, 2, NaN, NaN, 3, NaN, 1, 2, NaN, 1, 1, 1, NaN, 3]
  },
  { name: 'floor', inputs: [[-0.5, 1.5]], computation: (ops, [x]) => ops.unary('floor', x), expected: [-1, 1] },
  {
    name: 'a product at each place of the leading axes',
    inputs: [[[[1, 2]], [[3, 4]]], [[[1], [1]], [[10], [1]]]],
    computation: (ops, [a, b]) => ops.matmul(a, b),
    expected: [[[3]], [[34]]]
  },
  { name: 'one factor for all places', inputs: [[[[1, 2]], [[3, 4]]], [[1, 0], [1, 1]]], computation: (ops, [a, b]) => ops.matmul(a, b), expected: [[[3, 2]], [[7, 4]]] },
  { name: 'transposed factors', inputs: [[[1, 2], [3, 4]], [[1, 10]]], computation: (ops, [a, b]) => ops.matmul(a, b, true, true), expected: [[31], [42]] },
  { name: 'mean over two axes', inputs: [[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]], computation: (ops, [x]) => ops.reduce('mean', x, [0, -1], true), expected: [[[3.5], [5.5]]] },
  { name: 'softmax of equals', inputs: [[[1, 1], [3, 3]]], computation: (ops, [x]) => ops.softmax(x, 1), expected: [[0.5, 0.5], [0.5, 0.5]] },
  { name: 'reshape keeps and infers', inputs: [[[1, 2, 3, 4], [5, 6, 7, 8]]], computation: (ops, [x]) => ops.reshape(x, [0, 2, -1]), expected: [[[1, 2], [3, 4]], [[5, 6], [7, 8]]] },
  { name: 'splitFirst', inputs: [[[1], [2], [3], [4]], [[0, 0], [0, 0]]], computation: (ops, [x, like]) => ops.splitFirst(x, like), expected: [[[1], [2]], [[3], [4]]] },
  { name: 'transpose', inputs: [[[1, 2, 3], [4, 5, 6]]], computation: (ops, [x]) => ops.transpose(x, [1, 0]), expected: [[1, 4], [2, 5], [3, 6]] },
  { name: 'slice from the end', inputs: [[1, 2, 3, 4]], computation: (ops, [x]) => ops.slice(x, 0, -3, -1), expected: [2, 3] },
  { name: 'gather rows by a table', inputs: [[[1, 2], [3, 4]], [[1, 0], [1, 1]]], computation: (ops, [x, n]) => ops.gather(x, n, 0), expected: [[[3, 4], [1, 2]], [[3, 4], [3, 4]]] },
  { name: 'gather columns', inputs: [[[1, 2], [3, 4]], [1]], computation: (ops, [x, n]) => ops.gather(x, n, -1), expected: [[2], [4]] },
  { name: 'pad', inputs: [[[1, 2]]], computation: (ops, [x]) => ops.pad(x, [[0, 1], [2, 0]], 9), expected: [[9, 9, 1, 2], [9, 9, 9, 9]] },
  { name: 'reverse', inputs: [[[1, 2], [3, 4]]], computation: (ops, [x]) => ops.reverse(x, 0), expected: [[3, 4], [1, 2]] },
  { name: 'repeat keeps neighbours together', inputs: [[[1, 2], [3, 4]]], computation: (ops, [x]) => ops.repeat(x, 1, 2), expected: [[1, 1, 2, 2], [3, 3, 4, 4]] },
  { name: 'broadcastLike', inputs: [[[1], [2]], [[0, 0], [0, 0]]], computation: (ops, [x, like]) => ops.broadcastLike(x, like), expected: [[1, 1], [2, 2]] },
  { name: 'range', inputs: [[[1, 2, 3]]], computation: (ops, [x]) => ops.range(x, -1), expected: [0, 1, 2] },
  {
    name: 'a loop adds up',
    inputs: [[[1], [2], [3]], [10]],
    computation: (ops, [x, first]) => ops.scan(([step], [sum]) => ({ results: [ops.add(sum, step)], states: [ops.add(sum, step)] }), [x], [first]).results[0],
    expected: [[11], [13], [16]]
  },
  {
    name: 'a loop from the last step keeps input order',
    inputs: [[[1], [2], [3]], [10]],
    computation: (ops, [x, first]) => ops.scan(([step], [sum]) => ({ results: [ops.add(sum, step)], states: [ops.add(sum, step)] }), [x], [first], true).results[0],
    expected: [[16], [15], [13]]
  },
  {
    name: 'a loop gives its last states',
    inputs: [[[1], [2], [3]], [10]],
    computation: (ops, [x, first]) => ops.scan(([step], [sum]) => ({ results: [], states: [ops.add(sum, step)] }), [x], [first]).states[0],
    expected: [16]
  },
  {
    name: 'same padding puts the odd one behind',
    inputs: [[[[[1], [2], [3]]]], [[[[1]], [[10]]]]],
    computation: (ops, [x, kernel]) => ops.conv(x, kernel, { strides: [1, 1], padding: 'same', dilation: [1, 1] }),
    expected: [[[[21], [32], [3]]]]
  },
  {
    name: 'a mean at the border counts what is there',
    inputs: [[[[[1], [2], [3]]]]],
    computation: (ops, [x]) => ops.pool('mean', x, { size: [1, 2], strides: [1, 1], padding: 'same' }),
    expected: [[[[1.5], [2.5], [3]]]]
  }
]
