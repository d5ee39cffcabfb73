"""LSTM, GRU and SimpleRNN alone: their own options, one by one and in pairs."""
from framework import add, case

BOTH_FORMATS = ('h5', 'keras')


@case('lstm-last', formats=BOTH_FORMATS, notes='every default, the last output only')
def lstm_last(k):
    x = k.Input((6, 3), name='x')
    return k.Model(x, k.layers.Dense(2, name='out')(k.layers.LSTM(4, name='lstm')(x)))


@case('gru-last', formats=BOTH_FORMATS, notes='reset_after by default: two rows of bias')
def gru_last(k):
    x = k.Input((6, 3), name='x')
    return k.Model(x, k.layers.Dense(2, name='out')(k.layers.GRU(4, name='gru')(x)))


@case('rnn-last', formats=BOTH_FORMATS)
def rnn_last(k):
    x = k.Input((6, 3), name='x')
    return k.Model(x, k.layers.Dense(2, name='out')(k.layers.SimpleRNN(4, name='rnn')(x)))


def one_layer(kind, **options):
    def build(k):
        x = k.Input((5, 2), name='x')
        return k.Model(x, getattr(k.layers, kind)(3, name=kind.lower(), **options)(x))
    return build


for kind in ('LSTM', 'GRU', 'SimpleRNN'):
    short = {'SimpleRNN': 'rnn'}.get(kind, kind.lower())
    add(f'{short}-sequences', one_layer(kind, return_sequences=True))
    add(f'{short}-state', one_layer(kind, return_state=True), notes='outputs are states')
    add(f'{short}-sequences-state', one_layer(kind, return_sequences=True, return_state=True))
    add(f'{short}-no-bias', one_layer(kind, return_sequences=True, use_bias=False))
    add(f'{short}-backwards', one_layer(kind, go_backwards=True), notes='the last output is that of input step 0')
    add(f'{short}-backwards-sequences', one_layer(kind, go_backwards=True, return_sequences=True, return_state=True),
        notes='the sequence output stays reversed')
    add(f'{short}-unroll', one_layer(kind, unroll=True, return_sequences=True))
    add(f'{short}-dropout', one_layer(kind, dropout=0.3, recurrent_dropout=0.4), notes='dropouts change nothing here')

for n in (1, 2):
    add(f'lstm-implementation-{n}', one_layer('LSTM', implementation=n, recurrent_dropout=0.1, return_sequences=True))
    add(f'gru-implementation-{n}', one_layer('GRU', implementation=n, reset_after=n == 2, return_sequences=True))
add('lstm-no-forget-bias', one_layer('LSTM', unit_forget_bias=False), notes='unit_forget_bias only initialises')
add('lstm-no-bias-backwards', one_layer('LSTM', use_bias=False, go_backwards=True, return_state=True))
add('gru-before', one_layer('GRU', reset_after=False, return_sequences=True), formats=BOTH_FORMATS, notes='one row of bias')
add('gru-before-no-bias', one_layer('GRU', reset_after=False, use_bias=False, return_sequences=True, return_state=True))
add('gru-before-backwards', one_layer('GRU', reset_after=False, go_backwards=True, return_sequences=True))


@case('lstm-gru-dense', notes='stacked')
def lstm_gru_dense(k):
    x = k.Input((6, 3), name='x')
    y = k.layers.LSTM(5, return_sequences=True, dropout=0.2, name='lstm')(x)
    y = k.layers.GRU(4, name='gru')(y)
    return k.Model(x, k.layers.Dense(2, activation='softmax', name='out')(y))


@case('any-length', notes='no step count in the file')
def any_length(k):
    x = k.Input((None, 3), name='x')
    y = k.layers.LSTM(4, name='lstm')(x)
    return k.Model(x, k.layers.Dense(2, name='out')(y)), {'x': k.normal(2, 7, 3)}


@case('one-step', batch=1, notes='one step, one sequence, one unit, one feature')
def one_step(k):
    x = k.Input((1, 1), name='x')
    return k.Model(x, k.layers.LSTM(1, name='lstm')(x))
