import { bidirectional } from './bidirectional.ts'
import type { LayerFunction } from './layer.ts'
import { plain } from './plain-table.ts'
import { recurrent } from './recurrent.ts'
import { timeDistributed } from './time-distributed.ts'

/** The one table of classes this software computes: what is not here is refused when a model is read. Nothing is resolved from a name. */
export const layers: ReadonlyMap<string, LayerFunction> = new Map<string, LayerFunction>([
  ...plain,
  ['LSTM', recurrent],
  ['GRU', recurrent],
  ['SimpleRNN', recurrent],
  ['RNN', recurrent],
  ['ConvLSTM1D', recurrent],
  ['ConvLSTM2D', recurrent],
  ['Bidirectional', bidirectional],
  ['TimeDistributed', timeDistributed]
])
