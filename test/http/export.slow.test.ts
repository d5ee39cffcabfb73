import t from 'tap'
import { holdFiles } from './export-files.ts'

/** Further kinds of layers, masks, directions, nestings and shapes. */
await holdFiles(t, [
  'act-mixed-k2-keras', 'bi-initial-masked-k2-h5', 'bi-turned-k2-h5', 'cells-two-layers-k2-keras', 'convlstm1d-k2-keras', 'dict-inputs-k3-keras', 'embed-backwards-k2-h5', 'gru-before-k2-keras',
  'layers-attention-masked-k3-keras', 'layers-conv1d-any-length-k2-h5', 'layers-multi-head-masked-k3-keras', 'layers-operations-k3-keras', 'layers-scaling-k2-h5', 'many-inputs-k2-keras',
  'mask-gru-k3-keras', 'mask-initial-then-k3-keras', 'mixed-lstm-k2-h5', 'names-k2-h5', 'nest-states-k3-keras', 'nest-two-deep-k2-keras', 'rnn-options-k2-keras', 'same-output-twice-k2-keras',
  'state-outputs-all-k3-h5', 'stateful-lstm-k2-keras', 'td-document-k2-h5', 'td-fixed-batch-k2-keras', 'td-model-k3-h5', 'time-major-k2-keras', 'translate-gru-k2-h5', 'translate-lstm-masked-k3-keras'
])
