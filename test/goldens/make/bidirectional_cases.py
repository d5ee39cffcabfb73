"""Bidirectional: every merge, sequences or the last output, masks, own backward layers, states in and out."""
from framework import ANY, FORMATS, MASKED, MASKED_BOTH, add, branches, case

KINDS = {'concat': 'LSTM', 'sum': 'GRU', 'mul': 'SimpleRNN', 'ave': 'LSTM', 'none': 'GRU'}


def start(k, masked, features=2):
    """The input, what the layers read, and the inputs' values."""
    x = k.Input((6 if masked else 4, features), name='x')
    return x, k.layers.Masking(name='masking')(x) if masked else x, {'x': k.padded(ANY, features) if masked else k.normal(2, 4, features)}


def merges(masked):
    """Masked: every mode with sequences and with the last output; unmasked: by turns."""
    def build(k):
        x, y, inputs = start(k, masked)
        made = {}
        for number, (mode, kind) in enumerate(KINDS.items()):
            for last in (False, True) if masked else (number % 2 == 0,):
                inner = getattr(k.layers, kind)(2, return_sequences=not last, name='inner')
                name = f'{mode}_{"last" if last else "sequences"}'
                made[name] = k.layers.Bidirectional(inner, merge_mode=None if mode == 'none' else mode, name=name)(y)
        return k.Model(x, branches(made)), inputs
    return build


add('bi-merges', merges(False))
add('bi-merges-masked', merges(True), formats=MASKED, notes='a masked step puts out zeros with sequences')


@case('bi-lstm-gru', formats=FORMATS, notes='two Bidirectionals, one head')
def bi_lstm_gru(k):
    layers = k.layers
    x = k.Input((5, 3), name='x')
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True), name='bi')(x)
    y = layers.Bidirectional(layers.GRU(2), name='bg')(y)
    return k.Model(x, layers.Dense(2, activation='softmax', name='out')(y))


@case('bi-unnamed', batch=2, notes='names left to Keras')
def bi_unnamed(k):
    layers = k.layers
    return k.Sequential([k.Input((4, 2)), layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
                         layers.Bidirectional(layers.LSTM(2)), layers.Dense(1)])


# name: forward class, its options, backward class, its options, merge mode
OWN = {
    'activation': ('LSTM', {}, 'LSTM', {'activation': 'softsign'}, 'concat'),
    'units': ('LSTM', {}, 'LSTM', {'units': 4}, None),
    'class': ('GRU', {}, 'LSTM', {}, 'sum'),
    'before': ('LSTM', {}, 'GRU', {'reset_after': False}, 'ave'),
    'turned': ('LSTM', {'go_backwards': True}, 'SimpleRNN', {'go_backwards': False}, 'mul'),
}


def own_backward(masked):
    def build(k):
        x, y, inputs = start(k, masked)
        made = {}
        for number, (name, (forward, given, backward, other, mode)) in enumerate(OWN.items()):
            sequences = number % 2 == masked
            there = getattr(k.layers, forward)(2, return_sequences=sequences, name='there', **given)
            back = getattr(k.layers, backward)(**{'units': 2, 'go_backwards': True, 'return_sequences': sequences, 'name': 'back', **other})
            made[name] = k.layers.Bidirectional(there, merge_mode=mode, backward_layer=back, name=name)(y)
        return k.Model(x, branches(made)), inputs
    return build


add('bi-own', own_backward(False), notes='backward layers of other activations, units, classes; units meet only without a merge')
add('bi-own-masked', own_backward(True), formats=MASKED)


# Not as .h5: Keras 2.15 splits the weights there in halves and cannot load its own file.
@case('bi-own-no-bias', formats={2: ('keras',), 3: ('h5',)}, notes='a bias forward, none backward')
def bi_own_no_bias(k):
    layers = k.layers
    x = k.Input((4, 2), name='x')
    back = layers.LSTM(2, use_bias=False, go_backwards=True, name='back')
    return k.Model(x, layers.Bidirectional(layers.LSTM(2, name='there'), backward_layer=back, name='bi')(x))


# Keras 3 makes the backward layer of a layer that goes backwards go backwards too, and then refuses the pair.
@case('bi-turned', majors=(2,), notes='Keras 2 turns the copy of a backward layer forwards')
def bi_turned(k):
    x = k.Input((5, 2), name='x')
    return k.Model(x, k.layers.Bidirectional(k.layers.LSTM(3, go_backwards=True, return_sequences=True), name='bi')(x))


def with_states(masked):
    def build(k):
        x, y, inputs = start(k, masked)
        made = {}
        for name, kind, mode, sequences in (('lstm', 'LSTM', 'concat', False), ('gru', 'GRU', 'sum', True), ('none', 'LSTM', None, True),
                                            ('rnn', 'SimpleRNN', 'ave', True)):
            inner = getattr(k.layers, kind)(2, return_sequences=sequences, return_state=True, name='inner')
            made[name] = k.layers.Bidirectional(inner, merge_mode=mode, name=name)(y)
        return k.Model(x, branches(made)), inputs
    return build


add('bi-state', with_states(False), notes='return_state: the output, or two, and the states forward, then backward')
add('bi-state-masked', with_states(True), formats=MASKED)


def with_initial(masked):
    def build(k):
        x, y, inputs = start(k, masked)
        states = [k.Input((2,), name=f's{i}') for i in range(4)]
        made = {}
        for name, kind, count in (('lstm', 'LSTM', 4), ('gru', 'GRU', 2), ('rnn', 'SimpleRNN', 2)):
            made[name] = k.layers.Bidirectional(getattr(k.layers, kind)(2, return_sequences=True), name=name)(y, initial_state=states[:count])
        rows = len(inputs['x'])
        return k.Model([x, *states], branches(made)), {**inputs, **{f's{i}': k.normal(rows, 2) for i in range(4)}}
    return build


add('bi-initial', with_initial(False), notes='first half of the states forward, second half backward')
add('bi-initial-masked', with_initial(True), formats=MASKED, notes='a mask and an initial state: Keras 3 ignores the mask')


@case('bi-encoder', batch=2, notes='states of a Bidirectional, concatenated, start a decoder')
def bi_encoder(k):
    layers = k.layers
    x, d = k.Input((5, 2), name='source'), k.Input((4, 3), name='target')
    _, fh, fc, bh, bc = layers.Bidirectional(layers.LSTM(2, return_state=True), name='encoder')(x)
    h, c = layers.Concatenate(name='h')([fh, bh]), layers.Concatenate(name='c')([fc, bc])
    y = layers.LSTM(4, return_sequences=True, name='decoder')(d, initial_state=[h, c])
    return k.Model([x, d], layers.Dense(3, activation='softmax', name='out')(y))


@case('bi-cells', formats=MASKED, notes='over RNN of one cell and of stacked cells')
def bi_cells(k):
    layers = k.layers
    x, y, inputs = start(k, True)
    y = layers.Bidirectional(layers.RNN(layers.LSTMCell(2), return_sequences=True), name='one')(y)
    y = layers.Bidirectional(layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)], return_sequences=True), merge_mode='sum', name='stack')(y)
    return k.Model(x, y), inputs


@case('bi-unroll-masked', formats=MASKED, notes='Keras zeroes the unrolled backward outputs by the mask in the other order')
def bi_unroll_masked(k):
    x, y, inputs = start(k, True)
    return k.Model(x, k.layers.Bidirectional(k.layers.LSTM(2, return_sequences=True, unroll=True), name='bi')(y)), inputs


@case('bi-embedding', formats=MASKED_BOTH, notes='a padded text classifier')
def bi_embedding(k):
    layers = k.layers
    x = k.Input((6,), dtype='int32', name='ids')
    y = layers.Embedding(9, 3, mask_zero=True, name='embedding')(x)
    y = layers.Bidirectional(layers.LSTM(2, return_sequences=True, dropout=0.1), name='first')(y)
    y = layers.Bidirectional(layers.GRU(2, reset_after=False), name='second')(y)
    return k.Model(x, layers.Dense(2, activation='softmax', name='out')(y)), {'ids': k.tokens(ANY, 9)}


@case('bi-stateful', notes='a request starts from zero')
def bi_stateful(k):
    x = k.fixed_input((3, 4, 2), name='x')
    return k.Model(x, k.layers.Bidirectional(k.layers.GRU(2, stateful=True), name='bi')(x))
