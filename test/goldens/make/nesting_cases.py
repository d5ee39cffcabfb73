"""Models within models, several inputs and outputs, and names."""
from framework import ANY, FORMATS, MASKED, MASKED_BOTH, branches, case


def encoder(k, name='inner', sequences=False, shape=(5, 2)):
    layers = k.layers
    x = k.Input(shape, name=f'{name}_in')
    y = layers.LSTM(3, return_sequences=sequences, name='lstm')(x)
    return k.Model(x, layers.Dense(2, name='dense')(y), name=name)


@case('nest-functional', formats=FORMATS, notes='a functional model within another: inner/lstm')
def nest_functional(k):
    x = k.Input((5, 2), name='x')
    y = encoder(k, sequences=True)(x)
    return k.Model(x, k.layers.GRU(3, name='gru')(y))


@case('nest-sequential', notes='a Sequential model within a functional one')
def nest_sequential(k):
    layers = k.layers
    x = k.Input((5, 2), name='x')
    inner = k.Sequential([k.Input((5, 2)), layers.Bidirectional(layers.LSTM(3, return_sequences=True), name='bi'),
                          layers.GRU(3, name='gru')], name='inner')
    return k.Model(x, layers.Dense(2, name='out')(inner(x)))


@case('nest-in-sequential', notes='a functional model within a Sequential one')
def nest_in_sequential(k):
    return k.Sequential([k.Input((5, 2)), encoder(k, sequences=True), k.layers.LSTM(3, name='lstm')], name='outer')


@case('nest-sequential-in-sequential', notes='two Sequentials, and layers with names left to Keras')
def nest_sequential_in_sequential(k):
    layers = k.layers
    inner = k.Sequential([k.Input((5, 2)), layers.LSTM(3, return_sequences=True), layers.LSTM(2, return_sequences=True)])
    return k.Sequential([k.Input((5, 2)), inner, layers.LSTM(2), layers.Dense(1)])


# Not as .h5 in Keras 2.15: it lays the weights of both floors in one group, and one name there is taken.
@case('nest-two-deep', formats={2: ('keras',), 3: None}, notes='outer/inner/lstm, and an lstm on every floor')
def nest_two_deep(k):
    layers = k.layers
    x = k.Input((5, 2), name='x')
    middle_in = k.Input((5, 2), name='middle_in')
    y = layers.LSTM(2, return_sequences=True, name='lstm')(middle_in)
    middle = k.Model(middle_in, encoder(k, 'inner', sequences=True)(y), name='outer')
    return k.Model(x, layers.LSTM(3, name='lstm')(middle(x)))


@case('nest-twice', notes='one model called twice: inner:0/lstm and inner:1/lstm')
def nest_twice(k):
    layers = k.layers
    a, b = k.Input((5, 2), name='a'), k.Input((5, 2), name='b')
    inner = encoder(k)
    return k.Model([a, b], layers.Concatenate(name='pair')([inner(a), inner(b)]))


@case('nest-same-names', notes='the same layer names in two models')
def nest_same_names(k):
    x = k.Input((5, 2), name='x')
    y = encoder(k, 'left', sequences=True)(x)
    return k.Model(x, encoder(k, 'right')(y))


@case('nest-states', notes='an inner model gives states to an outer decoder')
def nest_states(k):
    layers = k.layers
    inner_in = k.Input((5, 2), name='inner_in')
    _, h, c = layers.LSTM(3, return_state=True, name='lstm')(inner_in)
    inner = k.Model(inner_in, [h, c], name='encoder')
    a, b = k.Input((5, 2), name='a'), k.Input((4, 2), name='b')
    return k.Model([a, b], layers.LSTM(3, return_sequences=True, name='decoder')(b, initial_state=list(inner(a))))


@case('nest-shared-layer', notes='one layer called both inside the inner model and outside')
def nest_shared_layer(k):
    layers = k.layers
    lstm = layers.LSTM(2, return_sequences=True, name='lstm')
    inner_in = k.Input((5, 2), name='inner_in')
    inner = k.Model(inner_in, lstm(inner_in), name='inner')
    x = k.Input((5, 2), name='x')
    return k.Model(x, layers.GRU(2, name='gru')(inner(x)))


@case('nest-masked-outside', formats=MASKED, notes='a mask made outside enters the inner model')
def nest_masked_outside(k):
    layers = k.layers
    x = k.Input((6,), name='ids')
    y = layers.Embedding(7, 2, mask_zero=True, name='embedding')(x)
    inner_in = k.Input((6, 2), name='inner_in')
    inner = k.Model(inner_in, layers.LSTM(3, return_sequences=True, name='lstm')(inner_in), name='inner')
    return k.Model(x, layers.GRU(2, return_sequences=True, name='gru')(inner(y))), {'ids': k.tokens(ANY, 7)}


@case('nest-masked-inside', formats=MASKED_BOTH, notes='a mask made inside; does it leave?')
def nest_masked_inside(k):
    layers = k.layers
    inner_in = k.Input((6,), name='inner_in')
    y = layers.Embedding(7, 2, mask_zero=True, name='embedding')(inner_in)
    inner = k.Model(inner_in, layers.LSTM(3, return_sequences=True, name='lstm')(y), name='inner')
    x = k.Input((6,), name='ids')
    return k.Model(x, layers.GRU(2, return_sequences=True, name='gru')(inner(x))), {'ids': k.tokens(ANY, 7)}


@case('nest-masked-sequential', formats=MASKED, notes='the inner model is a Sequential that begins with an Embedding')
def nest_masked_sequential(k):
    layers = k.layers
    inner = k.Sequential([k.Input((6,)), layers.Embedding(7, 2, mask_zero=True, name='embedding'),
                          layers.LSTM(3, return_sequences=True, name='lstm')], name='inner')
    x = k.Input((6,), name='ids')
    return k.Model(x, layers.GRU(2, return_sequences=True, name='gru')(inner(x))), {'ids': k.tokens(ANY, 7)}


@case('nest-masked-sequential-outside', formats=MASKED, notes='a mask made outside enters an inner Sequential')
def nest_masked_sequential_outside(k):
    layers = k.layers
    inner = k.Sequential([k.Input((6, 2)), layers.LSTM(3, return_sequences=True, name='lstm'), layers.GRU(3, return_sequences=True, name='gru')],
                         name='inner')
    x = k.Input((6, 2), name='x')
    y = layers.Masking(name='masking')(x)
    return k.Model(x, layers.LSTM(2, name='last')(inner(y))), {'x': k.padded(ANY, 2)}


@case('many-inputs', notes='inputs in an order that is not that of their names; a branch without steps')
def many_inputs(k):
    layers = k.layers
    z, a, m = k.Input((5, 2), name='zulu'), k.Input((3,), name='alpha'), k.Input((4, 1), name='mike')
    y = layers.Concatenate(name='join')([layers.LSTM(3, name='lstm')(z), layers.Dense(2, name='dense')(a), layers.GRU(2, name='gru')(m)])
    return k.Model([z, a, m], layers.Dense(1, name='out')(y))


@case('many-outputs', notes='outputs in an order that is not that of their names')
def many_outputs(k):
    layers = k.layers
    x = k.Input((5, 2), name='x')
    y = layers.LSTM(3, return_sequences=True, name='lstm')(x)
    last = layers.GRU(2, name='gru')(y)
    return k.Model(x, [layers.Dense(1, name='zulu')(last), y, layers.Dense(2, name='alpha')(y)])


@case('dict-outputs', formats=FORMATS, notes='outputs by keys that are not the layers\' names')
def dict_outputs(k):
    layers = k.layers
    x = k.Input((5, 2), name='x')
    y = layers.LSTM(3, name='lstm')(x)
    return k.Model(x, {'second': layers.Dense(2, name='one')(y), 'first': layers.Dense(1, name='two')(y)})


@case('dict-inputs', notes='inputs by keys that are the names of the inputs')
def dict_inputs(k):
    layers = k.layers
    b, a = k.Input((5, 2), name='b'), k.Input((4, 1), name='a')
    y = layers.Concatenate(name='join')([layers.LSTM(3, name='lstm')(b), layers.GRU(2, name='gru')(a)])
    return k.Model({'b': b, 'a': a}, layers.Dense(1, name='out')(y))


@case('same-output-twice', notes='one tensor leaves the model twice')
def same_output_twice(k):
    x = k.Input((5, 2), name='x')
    y = k.layers.LSTM(3, name='lstm')(x)
    return k.Model(x, [y, k.layers.Dense(1, name='dense')(y), y])


@case('input-as-output', notes='an input leaves the model as it came')
def input_as_output(k):
    x = k.Input((5, 2), name='x')
    return k.Model(x, [k.layers.LSTM(3, name='lstm')(x), x])


@case('no-names', formats=FORMATS, notes='every name left to Keras, two of each class')
def no_names(k):
    layers = k.layers
    x = k.Input((5, 2))
    y = layers.LSTM(3, return_sequences=True)(x)
    y = layers.LSTM(3, return_sequences=True)(y)
    y = layers.GRU(2, return_sequences=True)(y)
    y = layers.SimpleRNN(2, return_sequences=True)(y)
    y = layers.GRU(2)(y)
    return k.Model(x, layers.Dense(1)(y))


@case('no-input-layer', formats=FORMATS, notes='a Sequential model without an Input, built by its first call')
def no_input_layer(k):
    layers = k.layers
    model = k.Sequential([layers.LSTM(3, return_sequences=True, name='lstm'), layers.GRU(2, name='gru'), layers.Dense(1, name='out')])
    model.build((None, 5, 2))
    return model, {'x': k.normal(3, 5, 2)}


@case('order-of-layers', notes='the layers are made in another order than they are called')
def order_of_layers(k):
    layers = k.layers
    last, first = layers.LSTM(3, name='aaa'), layers.LSTM(3, return_sequences=True, name='zzz')
    x = k.Input((5, 3), name='x')
    side = layers.LSTM(3, return_sequences=True, name='mmm')(x)
    return k.Model(x, last(layers.Add(name='add')([first(x), side])))


# Names that a path, a JSON object, a file or a web page could take for something else, as far as TensorFlow takes them for scopes
# (no spaces, quotes, colons or other alphabets). Keras 3 has no slash in a name; Keras 2.15 has no dash or underscore in front.
PLAIN = ['lstm.1', '123', '..', '.x', 'a>b', 'hidden', 'output', 'constructor', 'toString', 'forward', 'l' * 120]
ODD = {2: ['block/lstm', 'block/inner/lstm', 'a/0'], 3: ['_x', '-x']}


@case('names', formats={2: ('h5',), 3: ('keras',)}, batch=1, notes='layer names that mean something elsewhere')
def names(k):
    layers = k.layers
    x = k.Input((3, 1), name='x')
    made = {name: layers.SimpleRNN(1, name=name)(x) for name in PLAIN + ODD[k.major]}
    made['bi'] = layers.Bidirectional(layers.GRU(1), name='cells')(x)
    return k.Model(x, branches(made))
