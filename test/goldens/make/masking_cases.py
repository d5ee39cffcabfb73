"""Masks from Masking and Embedding: every padding, with every option that meets a mask.

The rows of ANY are padded right, left, in the middle, and throughout.
"""
import numpy as np

from framework import ANY, FORMATS, LEFT, MASKED, MASKED_BOTH, RIGHT, add, branches, case

KINDS = {'lstm': 'LSTM', 'gru': 'GRU', 'rnn': 'SimpleRNN'}
OPTIONS = {
    'sequences': {'return_sequences': True},
    'last': {},
    'backwards': {'go_backwards': True, 'return_state': True},
    'backwards_sequences': {'go_backwards': True, 'return_sequences': True},
    'unroll': {'unroll': True, 'return_sequences': True, 'return_state': True},
    'zero': {'zero_output_for_mask': True, 'return_sequences': True, 'go_backwards': True},
    'zero_last': {'zero_output_for_mask': True},
    # Not without sequences: both Kerases raise, the shapes of outputs and mask do not meet.
    'zero_unroll': {'zero_output_for_mask': True, 'unroll': True, 'go_backwards': True, 'return_sequences': True},
}
OF_KIND = {'lstm': list(OPTIONS), 'gru': ['last', 'backwards_sequences', 'unroll', 'zero'], 'rnn': ['sequences', 'backwards', 'zero_last', 'zero_unroll']}


def masked(kind):
    def build(k):
        x = k.Input((6, 2), name='x')
        y = k.layers.Masking(name='masking')(x)
        return k.Model(x, branches({
            name: getattr(k.layers, KINDS[kind])(2, name=name, **OPTIONS[name])(y) for name in OF_KIND[kind]})), {'x': k.padded(ANY, 2)}
    return build


for kind in KINDS:
    add(f'mask-{kind}', masked(kind), formats=MASKED, notes='one branch an option; zero_unroll is zeroed by the mask in the other order')


@case('mask-value', formats=MASKED, notes='a step is masked when all its features equal the value, not when some do')
def mask_value(k):
    x = k.Input((6, 2), name='x')
    y = k.layers.Masking(mask_value=-1.0, name='masking')(x)
    values = k.padded(RIGHT, 2, -1.0)
    values[1, 2, 0] = -1
    values[1, 4] = 0
    return k.Model(x, k.layers.LSTM(3, return_sequences=True, name='lstm')(y)), {'x': values}


def embedded(**options):
    def build(k):
        x = k.Input((6,), name='ids')
        y = k.layers.Embedding(8, 3, mask_zero=True, name='embedding')(x)
        y = k.layers.LSTM(3, return_sequences=True, name='first', **options)(y)
        y = k.layers.GRU(2, name='second')(y)
        return k.Model(x, k.layers.Dense(2, name='out')(y)), {'ids': k.tokens(ANY, 8)}
    return build


add('embed-any', embedded(), formats=MASKED_BOTH)
add('embed-backwards', embedded(go_backwards=True), formats=MASKED,
    notes='the reversed sequence goes on with the mask in the order of the input')
add('embed-unloadable', embedded(), majors=(3,), formats=('h5',), unloadable=('h5',), notes='Keras 3.15 writes this file and cannot load it')


@case('embed-no-mask')
def embed_no_mask(k):
    x = k.Input((None,), dtype='int32', name='ids')
    y = k.layers.LSTM(3, name='lstm')(k.layers.Embedding(8, 3, name='embedding')(x))
    return k.Model(x, y), {'ids': k.tokens(RIGHT, 8)}


def in_sequence(kind, first):
    def build(k):
        layers = k.layers
        head, inputs = {
            'embedding': lambda: ([k.Input((6,), name='ids'), layers.Embedding(8, 3, mask_zero=True, name='embedding')], {'ids': k.tokens(ANY, 8)}),
            'masking': lambda: ([k.Input((6, 2), name='x'), layers.Masking(name='masking')], {'x': k.padded(ANY, 2)}),
        }[first]()
        return k.Sequential([*head, getattr(layers, kind)(3, return_sequences=True, name='first'),
                             layers.Bidirectional(getattr(layers, kind)(2), name='second')]), inputs
    return build


SEQUENTIAL = 'a Sequential model: the mask is nowhere in the file'
add('mask-sequential-lstm', in_sequence('LSTM', 'embedding'), formats=FORMATS, notes=SEQUENTIAL)
add('mask-sequential-gru', in_sequence('GRU', 'masking'), formats={3: ('h5',)}, notes=SEQUENTIAL)
add('mask-sequential-rnn', in_sequence('SimpleRNN', 'embedding'), notes=SEQUENTIAL)


@case('mask-through', formats=MASKED, notes='layers that pass a mask on, and the model output is masked itself')
def mask_through(k):
    layers = k.layers
    x = k.Input((6, 3), name='x')
    y = layers.Masking(name='masking')(x)
    y = layers.Dense(4, activation='tanh', name='dense')(y)
    y = layers.Dropout(0.4, name='dropout')(y)
    y = layers.BatchNormalization(name='norm')(y)
    y = layers.LSTM(3, return_sequences=True, name='lstm')(y)
    y = layers.Activation('tanh', name='tanh')(y)
    y = layers.TimeDistributed(layers.Dense(3), name='each')(y)
    y = layers.GRU(2, return_sequences=True, name='gru')(y)
    return k.Model(x, y), {'x': k.padded(ANY, 3)}


@case('mask-stops', formats=MASKED, notes='the last output has no mask; a repeated vector is read at every step')
def mask_stops(k):
    layers = k.layers
    x = k.Input((6,), name='ids')
    y = layers.Embedding(8, 3, mask_zero=True, name='embedding')(x)
    y = layers.LSTM(3, name='encoder')(y)
    y = layers.RepeatVector(3, name='repeat')(y)
    y = layers.LSTM(3, return_sequences=True, name='decoder')(y)
    return k.Model(x, layers.Dense(2, name='out')(y)), {'ids': k.tokens(ANY, 8)}


@case('mask-merges', formats=MASKED, notes='two masks meet, and a masked and an unmasked branch')
def mask_merges(k):
    layers = k.layers
    a, b = k.Input((6, 2), name='a'), k.Input((6, 2), name='b')
    left, right, plain = layers.Masking(name='mask_a')(a), layers.Masking(name='mask_b')(b), layers.Dense(2, name='plain')(b)
    made = {}
    for merge in ('Add', 'Concatenate', 'Multiply', 'Maximum'):
        for other, branch in (('both', right), ('one', plain)):
            y = getattr(layers, merge)(name=f'{merge.lower()}_{other}_join')([left, branch])
            made[f'{merge}_{other}'] = layers.SimpleRNN(2, return_sequences=True, name=f'{merge.lower()}_{other}')(y)
    return k.Model([a, b], branches(made)), {'a': k.padded(RIGHT, 2), 'b': k.padded(LEFT, 2)}


@case('mask-pooling', formats=MASKED, notes='pooling that leaves masked steps out')
def mask_pooling(k):
    layers = k.layers
    x = k.Input((6, 2), name='x')
    y = layers.LSTM(3, return_sequences=True, name='lstm')(layers.Masking(name='masking')(x))
    return k.Model(x, layers.GlobalAveragePooling1D(name='mean')(y)), {'x': k.padded(RIGHT, 2)}


@case('mask-given', notes='the mask is an input of the model')
def mask_given(k):
    x, m = k.Input((6, 2), name='x'), k.Input((6,), dtype='bool', name='keep')
    y = k.layers.LSTM(3, return_sequences=True, name='lstm')(x, mask=m)
    return k.Model([x, m], y), {'x': k.normal(3, 6, 2), 'keep': np.array([[c == 'x' for c in row] for row in LEFT])}


@case('mask-initial',
      notes='a mask and an initial state: Keras 3 ignores the mask; in Keras 2 the first masked steps put out zeros, not the state')
def mask_initial(k):
    layers = k.layers
    x, s = k.Input((6, 2), name='x'), k.Input((2,), name='s')
    y = layers.Masking(name='masking')(x)
    start = [s, layers.Dense(2, name='start')(s)]
    made = {name: getattr(layers, kind)(2, return_sequences=True, name=name)(y, initial_state=start[:2 if kind == 'LSTM' else 1])
            for name, kind in KINDS.items()}
    return k.Model([x, s], branches(made)), {'x': k.padded(ANY, 2), 's': k.normal(4, 2)}


@case('mask-initial-then', formats=MASKED, notes='what comes after a layer with mask and initial state')
def mask_initial_then(k):
    layers = k.layers
    x, s = k.Input((6, 2), name='x'), k.Input((3,), name='s')
    y = layers.Masking(name='masking')(x)
    y = layers.GRU(3, return_sequences=True, name='first')(y, initial_state=[s])
    y = layers.LSTM(2, return_sequences=True, name='second')(y)
    return k.Model([x, s], y), {'x': k.padded(RIGHT, 2), 's': k.normal(3, 3)}
