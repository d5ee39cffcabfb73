"""LSTM, GRU and SimpleRNN by themselves. A model of many branches, one option a branch, keeps the goldens small."""
from framework import FORMATS, branches, case

KINDS = {'lstm': 'LSTM', 'gru': 'GRU', 'rnn': 'SimpleRNN'}


def last(kind):
    def build(k):
        x = k.Input((6, 3), name='x')
        return k.Model(x, k.layers.Dense(2, name='out')(getattr(k.layers, KINDS[kind])(4, name=kind)(x)))
    return build


case('lstm-last', formats=FORMATS, notes='every default, the last output only')(last('lstm'))
case('gru-last', formats=FORMATS, notes='reset_after by default: two rows of bias')(last('gru'))
case('rnn-last', formats=FORMATS)(last('rnn'))

OPTIONS = {
    'sequences': {'return_sequences': True},
    'state': {'return_state': True},
    'both': {'return_sequences': True, 'return_state': True},
    'no_bias': {'use_bias': False},
    'no_bias_both': {'use_bias': False, 'return_sequences': True, 'return_state': True},
    'backwards': {'go_backwards': True, 'return_state': True},
    'backwards_both': {'go_backwards': True, 'return_sequences': True, 'return_state': True, 'use_bias': False},
    'unroll': {'unroll': True, 'go_backwards': True, 'return_sequences': True, 'dropout': 0.3, 'recurrent_dropout': 0.4},
}
OWN = {
    'lstm': {
        'no_forget_bias': {'unit_forget_bias': False, 'implementation': 1},
        'no_forget_bias_both': {'unit_forget_bias': False, 'return_sequences': True, 'return_state': True, 'implementation': 2},
    },
    'gru': {
        'before': {'reset_after': False, 'return_sequences': True, 'return_state': True, 'implementation': 1},
        'before_no_bias': {'reset_after': False, 'use_bias': False, 'implementation': 2},
        'before_backwards': {'reset_after': False, 'go_backwards': True, 'return_sequences': True},
        'implementation_1': {'implementation': 1, 'recurrent_dropout': 0.1},
    },
    'rnn': {},
}


def options(kind):
    def build(k):
        x = k.Input((4, 2), name='x')
        return k.Model(x, branches({
            name: getattr(k.layers, KINDS[kind])(2, name=name, **given)(x) for name, given in {**OPTIONS, **OWN[kind]}.items()}))
    return build


for kind in KINDS:
    case(f'{kind}-options', batch=2, notes='one branch an option; those with return_state are several outputs')(options(kind))


@case('gru-before', notes='reset_after false: one row of bias')
def gru_before(k):
    x = k.Input((5, 2), name='x')
    return k.Model(x, k.layers.GRU(3, reset_after=False, return_sequences=True, name='gru')(x))


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


@case('one-of-all', batch=1, notes='one step, one sequence, one unit, one feature')
def one_of_all(k):
    x = k.Input((1, 1), name='x')
    return k.Model(x, k.layers.LSTM(1, name='lstm')(x))
