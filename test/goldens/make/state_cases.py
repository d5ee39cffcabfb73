"""States given, returned, wired and kept: initial_state, return_state, encoder and decoder, stateful layers, shared layers."""
from framework import ANY, FORMATS, INNER, LEFT, MASKED, MASKED_BOTH, RIGHT, add, branches, case


@case('state-from-input', notes='the initial state is an input of the model')
def state_from_input(k):
    x, h, c = k.Input((5, 2), name='x'), k.Input((3,), name='h'), k.Input((3,), name='c')
    return k.Model([x, h, c], k.layers.LSTM(3, return_sequences=True, name='lstm')(x, initial_state=[h, c]))


@case('state-from-dense', batch=2, notes='the state comes from a Dense')
def state_from_dense(k):
    layers = k.layers
    x, s = k.Input((4, 2), name='x'), k.Input((2,), name='s')
    h, c = layers.Dense(2, activation='tanh', name='h')(s), layers.Dense(2, name='c')(s)
    made = {}
    for kind in ('LSTM', 'GRU', 'SimpleRNN'):
        start = [h, c] if kind == 'LSTM' else [h]
        for name, given in (('backwards', {'go_backwards': True, 'return_sequences': True}), ('unroll', {'unroll': True, 'return_state': True})):
            made[f'{kind}_{name}'] = getattr(layers, kind)(2, name=f'{kind.lower()}_{name}', **given)(x, initial_state=start)
    return k.Model([x, s], branches(made))


@case('state-outputs', formats=FORMATS, notes='only the states leave the model, in another order')
def state_outputs(k):
    x = k.Input((5, 2), name='x')
    _, h, c = k.layers.LSTM(3, return_state=True, name='lstm')(x)
    return k.Model(x, [c, h])


@case('state-outputs-all', notes='output names lstm, lstm_1, lstm_2 and dense')
def state_outputs_all(k):
    x = k.Input((5, 2), name='x')
    y, h, c = k.layers.LSTM(3, return_sequences=True, return_state=True, name='lstm')(x)
    return k.Model(x, [y, h, c, k.layers.Dense(2, name='dense')(c)])


@case('state-then-dense', notes='the head reads the cell state')
def state_then_dense(k):
    layers = k.layers
    x = k.Input((5, 2), name='x')
    y, h, c = layers.LSTM(3, return_state=True, name='lstm')(x)
    return k.Model(x, layers.Dense(2, name='out')(layers.Concatenate(name='join')([y, h, c])))


def translating(kind, masked, encoder_masked=True):
    """An encoder whose states start a decoder; both read token ids when masked."""
    def build(k):
        layers = k.layers
        count = 2 if kind == 'LSTM' else 1
        if masked:
            a, b = k.Input((6,), name='source'), k.Input((6,), name='target')
            x = layers.Embedding(9, 3, mask_zero=encoder_masked, name='embed_source')(a)
            y = layers.Embedding(9, 3, mask_zero=True, name='embed_target')(b)
            inputs = {'source': k.tokens(INNER, 9), 'target': k.tokens(RIGHT, 9)}
        else:
            a, b = k.Input((6, 3), name='source'), k.Input((4, 2), name='target')
            x, y, inputs = a, b, {'source': k.normal(3, 6, 3), 'target': k.normal(3, 4, 2)}
        _, *states = getattr(layers, kind)(4, return_state=True, name='encoder')(x)
        y, *left = getattr(layers, kind)(4, return_sequences=True, return_state=True, name='decoder')(y, initial_state=states[:count])
        return k.Model([a, b], layers.Dense(5, activation='softmax', name='token')(y)), inputs
    return build


NOTE = 'the decoder has a mask and an initial state: Keras 2.15 applies the mask, Keras 3 ignores it'
add('translate-lstm', translating('LSTM', False), formats=FORMATS)
add('translate-gru', translating('GRU', False))
add('translate-rnn', translating('SimpleRNN', False))
add('translate-lstm-masked', translating('LSTM', True), formats=MASKED_BOTH, notes=NOTE)
add('translate-gru-masked', translating('GRU', True), formats=MASKED, notes=NOTE)
add('translate-lstm-target-masked', translating('LSTM', True, encoder_masked=False), formats=MASKED, notes=NOTE)


@case('translate-attention', formats=MASKED, notes='attention of the decoder over the encoder, masked on both sides')
def translate_attention(k):
    layers = k.layers
    a, b = k.Input((6,), name='source'), k.Input((6,), name='target')
    x = layers.Embedding(9, 3, mask_zero=True, name='embed_source')(a)
    y = layers.Embedding(9, 3, mask_zero=True, name='embed_target')(b)
    x, h, c = layers.LSTM(4, return_sequences=True, return_state=True, name='encoder')(x)
    y = layers.LSTM(4, return_sequences=True, name='decoder')(y, initial_state=[h, c])
    context = layers.Attention(name='attention')([y, x])
    y = layers.Concatenate(name='join')([y, context])
    return k.Model([a, b], layers.Dense(5, name='token')(y)), {'source': k.tokens(RIGHT, 9), 'target': k.tokens(LEFT, 9)}


@case('translate-deep', notes='two layers of encoder start two of decoder')
def translate_deep(k):
    layers = k.layers
    a, b = k.Input((5, 2), name='source'), k.Input((4, 2), name='target')
    x, *first = layers.LSTM(3, return_sequences=True, return_state=True, name='encoder_1')(a)
    _, *second = layers.GRU(4, return_state=True, name='encoder_2')(x)
    y = layers.LSTM(3, return_sequences=True, name='decoder_1')(b, initial_state=first)
    y = layers.GRU(4, return_sequences=True, name='decoder_2')(y, initial_state=second)
    return k.Model([a, b], y)


@case('autoencoder', notes='an encoding, repeated')
def autoencoder(k):
    layers = k.layers
    x = k.Input((5, 3), name='x')
    y = layers.LSTM(4, name='encoder')(x)
    y = layers.RepeatVector(5, name='repeat')(y)
    y = layers.LSTM(4, return_sequences=True, go_backwards=True, name='decoder')(y)
    return k.Model(x, layers.TimeDistributed(layers.Dense(3), name='each')(y))


def stateful(kind, sequential):
    def build(k):
        layers = k.layers
        layer = getattr(layers, kind)(3, stateful=True, return_sequences=True, name='first')
        last = getattr(layers, kind)(2, stateful=True, name='second')
        if sequential and k.major == 2:
            model = k.Sequential([getattr(layers, kind)(3, stateful=True, return_sequences=True, name='first', batch_input_shape=(2, 4, 2)), last])
        elif sequential:
            model = k.Sequential([k.fixed_input((2, 4, 2), name='x'), layer, last])
        else:
            x = k.fixed_input((2, 4, 2), name='x')
            model = k.Model(x, last(layer(x)))
        # A first batch leaves states behind: none of them may show in the golden.
        model.predict(k.normal(2, 4, 2).astype('float32'), verbose=0)
        return model
    return build


STATEFUL = 'states are left over when the model is saved; a request starts from zero'
add('stateful-lstm', stateful('LSTM', True), notes=STATEFUL)
add('stateful-functional', stateful('GRU', False), notes=STATEFUL)
add('stateful-rnn', stateful('SimpleRNN', False), notes=STATEFUL)


@case('shared-twice', notes='one LSTM called twice: lstm:0 and lstm:1')
def shared_twice(k):
    layers = k.layers
    a, b = k.Input((5, 2), name='a'), k.Input((4, 2), name='b')
    lstm = layers.LSTM(3, name='lstm')
    return k.Model([a, b], layers.Subtract(name='difference')([lstm(a), lstm(b)]))


@case('shared-out-of-order', notes='the call made first is computed last: the number is that of the call in the file')
def shared_out_of_order(k):
    layers = k.layers
    a, b = k.Input((5, 3), name='a'), k.Input((4, 3), name='b')
    lstm = layers.GRU(3, return_sequences=True, name='gru')
    deep = lstm(layers.Dense(3, name='second')(layers.Dense(3, activation='tanh', name='first')(a)))
    shallow = lstm(b)
    return k.Model([a, b], [layers.Dense(2, name='out_deep')(deep), layers.Dense(2, name='out_shallow')(shallow)])


@case('shared-on-itself', notes='a layer that reads its own output; and both calls leave the model')
def shared_on_itself(k):
    layers = k.layers
    x = k.Input((5, 3), name='x')
    lstm = layers.LSTM(3, return_sequences=True, name='lstm')
    once = lstm(x)
    return k.Model(x, [once, lstm(once)])


@case('shared-bidirectional', formats=MASKED, notes='masks differ from call to call')
def shared_bidirectional(k):
    layers = k.layers
    a, b = k.Input((6,), name='a'), k.Input((6,), name='b')
    embedding = layers.Embedding(7, 2, mask_zero=True, name='embedding')
    bi = layers.Bidirectional(layers.GRU(2, return_sequences=True), name='bi')
    last = layers.LSTM(3, name='last')
    return k.Model([a, b], layers.Dot(axes=-1, name='dot')([last(bi(embedding(a))), last(bi(embedding(b)))])), {
        'a': k.tokens(ANY, 7), 'b': k.tokens(ANY[::-1], 7)}


@case('shared-states', notes='the second call starts where the first ended')
def shared_states(k):
    layers = k.layers
    a, b = k.Input((4, 2), name='a'), k.Input((3, 2), name='b')
    lstm = layers.LSTM(3, return_state=True, name='lstm')
    _, h, c = lstm(a)
    y, _, _ = lstm(b, initial_state=[h, c])
    return k.Model([a, b], layers.Dense(2, name='out')(y))
