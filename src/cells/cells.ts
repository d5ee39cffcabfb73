import type { Layer } from '../model.ts'
import type { Cell } from './cell.ts'
import { convLstm } from './conv-lstm.ts'
import { gru } from './gru.ts'
import { lstm } from './lstm.ts'
import { simpleRnn } from './simple-rnn.ts'

const cells: ReadonlyMap<string, Cell> = new Map<string, Cell>([
  ['LSTM', lstm], ['LSTMCell', lstm],
  ['GRU', gru], ['GRUCell', gru],
  ['SimpleRNN', simpleRnn], ['SimpleRNNCell', simpleRnn],
  ['ConvLSTM1D', convLstm], ['ConvLSTM2D', convLstm]
])

/** The cell of a layer that has one of its own; undefined for all others, wrappers too. */
export const cellOf = (layer: Layer): Cell | undefined => cells.get(layer.className)

/**
 * The cells that a recurrent layer runs, first to last, each with its place in the layer: '' for the only one, `cells/0`, `cells/1` for
 * StackedRNNCells (stacks in stacks are taken apart). Empty for a layer that is not recurrent itself.
 */
export function cellsIn (layer: Layer): { at: string, layer: Layer, cell: Cell }[] {
  if (layer.className === 'RNN') return cellsIn(layer.children.cell)
  if (layer.className === 'StackedRNNCells') {
    return Object.keys(layer.children).sort((a, b) => Number(a) - Number(b)).flatMap((n) =>
      cellsIn(layer.children[n]).map((inner) => ({ ...inner, at: inner.at === '' ? `cells/${n}` : `cells/${n}/${inner.at}` })))
  }
  const cell = cellOf(layer)
  return cell === undefined ? [] : [{ at: '', layer, cell }]
}

/** Units of a cell: the size of its states' last axis. */
export const unitsOf = (layer: Layer): number => (layer.config.units ?? layer.config.filters) as number
