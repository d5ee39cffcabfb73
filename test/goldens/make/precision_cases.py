"""Mixed, half and double precision: the golden is that of float32 with the same weights; what Keras' halves give is beside it."""
from framework import ANY, FORMATS, MASKED, case

MIXED = 'mixed_float16'


@case('mixed-lstm', half=MIXED, formats=FORMATS)
def mixed_lstm(k):
    layers = k.layers
    x = k.Input((5, 2), name='x')
    y = layers.LSTM(3, return_sequences=True, name='lstm')(x)
    y = layers.GRU(3, name='gru')(y)
    return k.Model(x, layers.Dense(2, dtype='float32', name='out')(y))


@case('mixed-bidirectional', half=MIXED, formats=MASKED)
def mixed_bidirectional(k):
    layers = k.layers
    x = k.Input((6,), name='ids')
    y = layers.Embedding(7, 3, mask_zero=True, name='embedding')(x)
    y = layers.Bidirectional(layers.LSTM(2, return_sequences=True), name='bi')(y)
    return k.Model(x, layers.SimpleRNN(3, name='rnn')(y)), {'ids': k.tokens(ANY, 7)}


@case('mixed-cells', half=MIXED)
def mixed_cells(k):
    x = k.Input((5, 2), name='x')
    return k.Model(x, k.layers.RNN([k.layers.LSTMCell(3), k.layers.GRUCell(2)], name='rnn')(x))


@case('mixed-bfloat16', half='mixed_bfloat16', half_atol=5e-2)
def mixed_bfloat16(k):
    x = k.Input((5, 2), name='x')
    return k.Model(x, k.layers.Dense(2, name='out')(k.layers.LSTM(3, name='lstm')(x)))


@case('half-lstm', half='float16', formats=FORMATS, notes='the weights in the file are halves')
def half_lstm(k):
    layers = k.layers
    x = k.Input((5, 2), name='x')
    y = layers.LSTM(3, return_sequences=True, name='lstm')(x)
    return k.Model(x, layers.Dense(2, name='out')(layers.GRU(3, name='gru')(y)))


@case('double-lstm', policy='float64', notes='the weights in the file are doubles')
def double_lstm(k):
    layers = k.layers
    x = k.Input((5, 2), name='x')
    y = layers.LSTM(3, return_sequences=True, name='lstm')(x)
    return k.Model(x, layers.Dense(2, name='out')(layers.GRU(3, name='gru')(y)))
