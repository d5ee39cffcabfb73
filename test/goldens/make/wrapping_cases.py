"""TimeDistributed: over a Dense, over recurrent layers, over models, with masks."""
from framework import ANY, INNER, MASKED, branches, case


@case('td-dense')
def td_dense(k):
    layers = k.layers
    x = k.Input((5, 2), name='x')
    y = layers.LSTM(3, return_sequences=True, name='lstm')(x)
    return k.Model(x, layers.TimeDistributed(layers.Dense(2, activation='softmax', name='dense'), name='td')(y))


@case('td-dense-masked', formats=MASKED, notes='the mask goes through')
def td_dense_masked(k):
    layers = k.layers
    x = k.Input((6, 2), name='x')
    y = layers.TimeDistributed(layers.Dense(3, name='dense'), name='td')(layers.Masking(name='masking')(x))
    return k.Model(x, layers.LSTM(3, return_sequences=True, name='lstm')(y)), {'x': k.padded(ANY, 2)}


@case('td-recurrent', batch=2, notes='[batch, outer step, step, unit]')
def td_recurrent(k):
    layers = k.layers
    x = k.Input((3, 4, 2), name='x')
    made = {}
    for name, kind, given in (('lstm', 'LSTM', {}), ('gru', 'GRU', {'go_backwards': True}),
                              ('rnn', 'SimpleRNN', {'return_sequences': True})):
        made[name] = layers.TimeDistributed(getattr(layers, kind)(2, name='inner', **given), name=name)(x)
    made['outer'] = layers.LSTM(2, name='outer')(made['lstm'])
    return k.Model(x, branches(made))


@case('td-bidirectional', batch=2, notes='td/bi/forward/hidden')
def td_bidirectional(k):
    layers = k.layers
    x = k.Input((3, 4, 2), name='x')
    y = layers.TimeDistributed(layers.Bidirectional(layers.LSTM(2, name='lstm'), name='bi'), name='td')(x)
    return k.Model(x, layers.GRU(2, name='gru')(y))


@case('td-model', notes='over a model that holds an LSTM: td/inner/lstm')
def td_model(k):
    layers = k.layers
    inner_in = k.Input((4, 2), name='inner_in')
    inner = k.Model(inner_in, layers.Dense(2, name='dense')(layers.LSTM(3, name='lstm')(inner_in)), name='inner')
    x = k.Input((3, 4, 2), name='x')
    y = layers.TimeDistributed(inner, name='td')(x)
    return k.Model(x, layers.LSTM(2, name='outer')(y))


@case('td-sequential', notes='over a Sequential model')
def td_sequential(k):
    layers = k.layers
    inner = k.Sequential([k.Input((4, 2)), layers.Conv1D(3, 2, activation='relu', name='conv'), layers.GRU(2, name='gru')], name='inner')
    x = k.Input((None, 4, 2), name='x')
    y = layers.TimeDistributed(inner, name='td')(x)
    return k.Model(x, layers.LSTM(2, name='outer')(y)), {'x': k.normal(2, 3, 4, 2)}


@case('td-document', formats=MASKED, notes='sentences of words: the inner model masks by itself')
def td_document(k):
    layers = k.layers
    inner_in = k.Input((6,), name='words')
    y = layers.Embedding(7, 2, mask_zero=True, name='embedding')(inner_in)
    inner = k.Model(inner_in, layers.LSTM(3, name='lstm')(y), name='sentence')
    x = k.Input((2, 6), name='document')
    y = layers.TimeDistributed(inner, name='td')(x)
    ids = k.tokens(ANY, 7)
    return k.Model(x, layers.GRU(2, name='gru')(y)), {'document': ids.reshape(2, 2, 6)}


@case('td-twice', notes='TimeDistributed within TimeDistributed')
def td_twice(k):
    layers = k.layers
    x = k.Input((2, 3, 4, 2), name='x')
    y = layers.TimeDistributed(layers.TimeDistributed(layers.LSTM(2, name='lstm'), name='rows'), name='td')(x)
    return k.Model(x, layers.Flatten(name='flat')(y)), {'x': k.normal(2, 2, 3, 4, 2)}


@case('td-fixed-batch', notes='the batch size is part of the model')
def td_fixed_batch(k):
    layers = k.layers
    x = k.fixed_input((2, 3, 4, 2), name='x')
    y = layers.TimeDistributed(layers.LSTM(2, name='inner'), name='td')(x)
    return k.Model(x, layers.LSTM(2, name='outer')(y))


@case('td-masked-inner', formats=MASKED, notes='a mask of words within sentences reaches the inner layer')
def td_masked_inner(k):
    layers = k.layers
    x = k.Input((2, 6), name='document')
    y = layers.Embedding(7, 2, mask_zero=True, name='embedding')(x)
    y = layers.TimeDistributed(layers.LSTM(3, name='inner'), name='td')(y)
    return k.Model(x, y), {'document': k.tokens(ANY, 7).reshape(2, 2, 6)}


@case('td-masked-dense', formats=MASKED, notes='masked steps within a TimeDistributed Dense that is an output')
def td_masked_dense(k):
    layers = k.layers
    x = k.Input((6, 2), name='x')
    y = layers.LSTM(3, return_sequences=True, name='lstm')(layers.Masking(name='masking')(x))
    return k.Model(x, layers.TimeDistributed(layers.Dense(2, name='dense'), name='td')(y)), {'x': k.padded(INNER, 2)}
