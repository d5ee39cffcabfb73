"""ConvLSTM, and convolutions and attention beside recurrent layers."""
from framework import ANY, MASKED, RIGHT, add, branches, case


def convolved(rank, options):
    def build(k):
        x = k.Input((3,) + (4,) * rank + (1,), name='x')
        made = {name: getattr(k.layers, f'ConvLSTM{rank}D')(**{'filters': 1, 'kernel_size': 2, 'name': name, **given})(x) for name, given in options.items()}
        return k.Model(x, branches(made))
    return build


OPTIONS = {
    'last': {'filters': 2, 'recurrent_activation': 'hard_sigmoid'},
    'state': {'return_sequences': True, 'return_state': True, 'padding': 'same', 'kernel_size': 3},
    'backwards': {'go_backwards': True, 'return_sequences': True},
    'strides': {'strides': 2, 'padding': 'same', 'kernel_size': 3, 'use_bias': False, 'activation': 'relu', 'recurrent_activation': 'sigmoid'},
    'dilated': {'dilation_rate': 2, 'padding': 'same', 'go_backwards': True},
}
# No unroll: Keras 2.15 refuses it for convolutional cells.
for rank in (1, 2):
    add(f'convlstm{rank}d', convolved(rank, OPTIONS), batch=2, scale=1.0)


@case('convlstm2d-stacked', batch=2)
def convlstm2d_stacked(k):
    layers = k.layers
    x = k.Input((3, 4, 4, 1), name='x')
    y = layers.ConvLSTM2D(2, 2, return_sequences=True, name='first')(x)
    y = layers.BatchNormalization(name='norm')(y)
    y = layers.ConvLSTM2D(1, 2, name='second')(y)
    return k.Model(x, layers.Dense(2, name='out')(layers.Flatten(name='flat')(y)))


@case('convlstm2d-bidirectional', batch=2)
def convlstm2d_bidirectional(k):
    layers = k.layers
    x = k.Input((3, 3, 3, 1), name='x')
    return k.Model(x, layers.Bidirectional(layers.ConvLSTM2D(1, 2, return_sequences=True), name='bi')(x))


@case('convlstm1d-initial', batch=2, notes='the state of one starts another')
def convlstm1d_initial(k):
    layers = k.layers
    x = k.Input((3, 4, 1), name='x')
    _, h, c = layers.ConvLSTM1D(2, 3, padding='same', return_state=True, name='first')(x)
    return k.Model(x, layers.ConvLSTM1D(2, 3, padding='same', return_sequences=True, name='second')(x, initial_state=[h, c]))


@case('conv-lstm')
def conv_lstm(k):
    layers = k.layers
    x = k.Input((8, 2), name='x')
    y = layers.Conv1D(3, 3, padding='causal', activation='relu', name='causal')(x)
    y = layers.MaxPooling1D(2, name='pool')(y)
    y = layers.LSTM(3, return_sequences=True, name='lstm')(y)
    return k.Model(x, layers.Dense(1, name='out')(layers.GlobalAveragePooling1D(name='mean')(y)))


@case('conv-mask-lost', formats=MASKED, notes='a convolution has no mask to pass on')
def conv_mask_lost(k):
    layers = k.layers
    x = k.Input((6,), name='ids')
    y = layers.Embedding(7, 3, mask_zero=True, name='embedding')(x)
    y = layers.Conv1D(3, 2, name='conv')(y)
    return k.Model(x, layers.LSTM(3, name='lstm')(y)), {'ids': k.tokens(ANY, 7)}


@case('attention-lstm', formats=MASKED)
def attention_lstm(k):
    layers = k.layers
    x = k.Input((6,), name='ids')
    y = layers.Embedding(7, 3, mask_zero=True, name='embedding')(x)
    y = layers.LSTM(3, return_sequences=True, name='lstm')(y)
    y = layers.Attention(name='attention')([y, y])
    # Not ANY: the mean of a row without a step is not a number.
    return k.Model(x, layers.GlobalAveragePooling1D(name='mean')(y)), {'ids': k.tokens(RIGHT, 7)}


@case('norm-lstm', notes='normalisation between recurrent layers')
def norm_lstm(k):
    layers = k.layers
    x = k.Input((5, 3), name='x')
    y = layers.BatchNormalization(name='batch_norm')(x)
    y = layers.LSTM(4, return_sequences=True, name='lstm')(y)
    y = layers.LayerNormalization(name='layer_norm')(y)
    return k.Model(x, layers.GRU(3, name='gru')(y))


@case('reshape-lstm')
def reshape_lstm(k):
    layers = k.layers
    x = k.Input((12,), name='x')
    y = layers.Reshape((4, 3), name='reshape')(x)
    y = layers.Permute((2, 1), name='permute')(y)
    y = layers.LSTM(3, return_sequences=True, name='lstm')(y)
    return k.Model(x, layers.Dense(2, name='out')(layers.Flatten(name='flat')(y)))
