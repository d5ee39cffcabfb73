"""Every activation each Keras takes, inside a cell and at its gates."""
from activations import BOTH, BY_MAJOR
from framework import FORMATS, add, branches, case

# The name Keras 2.15 writes for log_softmax; and those with cases of their own.
SKIPPED = {'log_softmax_v2', 'exponential', 'log_softmax', 'hard_sigmoid', 'sigmoid'}


def activated(names, **options):
    """An LSTM a name, with it everywhere."""
    def build(k):
        x = k.Input((4, 2), name='x')
        return k.Model(x, branches({
            name: k.layers.LSTM(2, **{'activation': name, 'recurrent_activation': name, 'name': name, **options})(x) for name in names}))
    return build


# Unbounded ones feed themselves back: small weights keep them finite, and the float32 of Keras near the reading.
for number, names in enumerate([n for n in BOTH if n not in SKIPPED][i::2] for i in range(2)):
    add(f'act-{number}', activated(names), scale=0.3, batch=2, notes=', '.join(names))
for number, names in enumerate([n for n in BY_MAJOR[3] if n not in SKIPPED][i::2] for i in range(2)):
    add(f'act-only3-{number}', activated(names), scale=0.3, batch=2, majors=(3,), notes=', '.join(names))
add('act-exponential', activated(['exponential'], recurrent_activation='sigmoid'), scale=0.05, batch=2)
add('act-log-softmax', activated(['log_softmax']), scale=0.1, batch=2)
add('act-hard-sigmoid', activated(['hard_sigmoid', 'sigmoid']), scale=2.0, batch=2, formats=FORMATS,
    notes='0.2x+0.5 in Keras 2, relu6(x+3)/6 in Keras 3; large weights reach both ends')


@case('act-mixed', notes='other activations inside and at the gates; None is linear')
def mixed(k):
    layers = k.layers
    x = k.Input((5, 3), name='x')
    y = layers.LSTM(3, activation='softsign', recurrent_activation='hard_sigmoid', return_sequences=True, name='lstm')(x)
    y = layers.GRU(3, activation='elu', recurrent_activation='softmax', return_sequences=True, name='gru')(y)
    y = layers.GRU(3, activation='softmax', recurrent_activation='tanh', reset_after=False, return_sequences=True, name='before')(y)
    y = layers.LSTM(2, activation=None, recurrent_activation='sigmoid', return_sequences=True, name='none')(y)
    return k.Model(x, layers.SimpleRNN(2, activation=None, name='rnn')(y))


@case('act-sigmoid-only', notes='activation sigmoid throughout')
def sigmoid_only(k):
    return k.Sequential([
        k.Input((3, 4), name='x'),
        k.layers.LSTM(5, activation='sigmoid', recurrent_activation='sigmoid', name='lstm'),
        k.layers.Dense(4, name='dense'),
        k.layers.Activation('softmax', name='probability')])
