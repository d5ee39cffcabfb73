"""RNN over one cell or a stack of cells."""
from framework import ANY, FORMATS, MASKED, add, branches, case


def new_cell(layers, kind):
    """`options` is a cell with every option; the last three are stacks."""
    return {
        'lstm': lambda: layers.LSTMCell(2), 'gru': lambda: layers.GRUCell(2), 'simple': lambda: layers.SimpleRNNCell(2, use_bias=False),
        'options': lambda: layers.LSTMCell(2, activation='softsign', recurrent_activation='hard_sigmoid', unit_forget_bias=False, use_bias=False, dropout=0.2),
        'stack': lambda: layers.StackedRNNCells([layers.LSTMCell(3), layers.LSTMCell(2)]),
        'mixed': lambda: [layers.LSTMCell(3), layers.GRUCell(3, reset_after=False), layers.SimpleRNNCell(2)],
        'one': lambda: [layers.GRUCell(2)]}[kind]()


OPTIONS = {
    'last': {}, 'sequences': {'return_sequences': True}, 'state': {'return_sequences': True, 'return_state': True},
    'backwards': {'return_sequences': True, 'go_backwards': True}, 'zero': {'zero_output_for_mask': True},
    'unroll': {'unroll': True, 'return_sequences': True},
}


def celled(masked, *pairs):
    """A branch a pair of cell and option."""
    def build(k):
        x = k.Input((6 if masked else 4, 2), name='x')
        y = k.layers.Masking(name='masking')(x) if masked else x
        return k.Model(x, branches({
            f'{cell}_{option}': k.layers.RNN(new_cell(k.layers, cell), name=f'{cell}_{option}', **OPTIONS[option])(y) for cell, option in pairs})), {
                'x': k.padded(ANY, 2) if masked else k.normal(2, 4, 2)}
    return build


add('cell', celled(False, ('lstm', 'last'), ('gru', 'state'), ('simple', 'backwards'), ('options', 'sequences')))
add('cell-masked', celled(True, ('lstm', 'state'), ('gru', 'backwards'), ('simple', 'zero'), ('options', 'unroll')), formats=MASKED)
add('cells', celled(False, ('stack', 'last'), ('mixed', 'sequences'), ('stack', 'backwards'), ('one', 'last')), formats=FORMATS)
add('cells-masked', celled(True, ('stack', 'sequences'), ('mixed', 'zero'), ('mixed', 'unroll'), ('mixed', 'backwards')), formats=MASKED)


@case('cells-state', batch=2, notes='one state a cell, so the states are a flat list')
def cells_state(k):
    x = k.Input((4, 2), name='x')
    return k.Model(x, list(k.layers.RNN([k.layers.GRUCell(3), k.layers.SimpleRNNCell(2)], return_state=True, name='rnn')(x)))


@case('cells-state-nested', batch=2, notes='the states of a stack of LSTM cells are pairs')
def cells_state_nested(k):
    layers = k.layers
    x = k.Input((4, 2), name='x')
    y, a, b = layers.RNN([layers.LSTMCell(3), layers.LSTMCell(2)], return_state=True, name='rnn')(x)
    return k.Model(x, [y, *a, *b])


@case('cells-initial', batch=2, notes='a cell that starts from a Dense; every cell of a stack has its own start')
def cells_initial(k):
    layers = k.layers
    x, a, b = k.Input((4, 2), name='x'), k.Input((3,), name='a'), k.Input((2,), name='b')
    y = layers.RNN(layers.LSTMCell(2), return_sequences=True, name='one')(x, initial_state=[b, layers.Dense(2, name='start')(a)])
    rnn = layers.RNN([layers.GRUCell(3), layers.SimpleRNNCell(2)], return_sequences=True, name='stack')
    return k.Model([x, a, b], rnn(y, initial_state=[a, b]))


@case('cells-two-layers', batch=2, notes='two RNN layers and an LSTM: the counters in the weights file')
def cells_two_layers(k):
    layers = k.layers
    x = k.Input((4, 2), name='x')
    y = layers.RNN([layers.LSTMCell(2), layers.LSTMCell(2)], return_sequences=True, name='zeta')(x)
    y = layers.LSTM(2, return_sequences=True, name='middle')(y)
    return k.Model(x, layers.RNN(layers.GRUCell(2), name='alpha')(y))
