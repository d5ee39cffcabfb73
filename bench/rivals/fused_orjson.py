"""Rival 2: tuned by hand. Compiled functions around TensorFlow's fused LSTM, orjson straight from NumPy arrays.

Where no fused op exists (GRU, masks): a loop over the steps with the input's product taken out of it, compiled by XLA, which was the fastest of
four ways tried (Keras' layer or the loop, with and without XLA).
"""
import os
from pathlib import Path

import numpy as np
import orjson
import tensorflow as tf
from fastapi import FastAPI, Request, Response

app = FastAPI()
gates_of_lstm = ('input', 'forget', 'candidate', 'output')


def fused(layer):
    """[batch, step, feature] -> what the layer did, by TensorFlow's own kernel."""
    kernel, recurrent, bias = (tf.constant(weight) for weight in layer.get_weights())
    weights, units = tf.concat([kernel, recurrent], 0), recurrent.shape[0]
    zeros = tf.zeros([units])

    def run(x, mask=None):
        first = tf.zeros([tf.shape(x)[0], units])
        i, c, f, o, g, _, h = tf.raw_ops.BlockLSTMV2(
            seq_len_max=tf.cast(tf.shape(x)[1], tf.int64), x=tf.transpose(x, [1, 0, 2]), cs_prev=first, h_prev=first, w=weights,
            wci=zeros, wcf=zeros, wco=zeros, b=bias, cell_clip=0.0, use_peephole=False)
        h, c, i, f, g, o = (tf.transpose(y, [1, 0, 2]) for y in (h, c, i, f, g, o))
        return {'hidden': h, 'cell': c, 'gates': dict(zip(gates_of_lstm, (i, f, g, o)))}
    return run


def looped(step, states, units, kept):
    """The loop: `step(projected, past, masked)` of one step gives all that is kept, the new states first."""
    def run(projected, mask):
        projected, count = tf.transpose(projected, [1, 0, 2]), tf.shape(projected)[1]
        mask = None if mask is None else tf.transpose(mask)[:, :, None]
        arrays = [tf.TensorArray(tf.float32, count, element_shape=[None, units]) for _ in range(kept)]

        def body(t, past, arrays):
            now = step(projected[t], past)
            if mask is not None:
                now = [tf.where(mask[t], new, old) for new, old in zip(now, past)] + [tf.where(mask[t], gate, 0) for gate in now[states:]]
            return t + 1, now[:states], [array.write(t, value) for array, value in zip(arrays, now)]

        past = [tf.zeros([tf.shape(projected)[1], units]) for _ in range(states)]
        arrays = tf.while_loop(lambda t, *_: t < count, body, [0, past, arrays])[2]
        return [tf.transpose(array.stack(), [1, 0, 2]) for array in arrays]
    return run


def masked_lstm(layer):
    kernel, recurrent, bias = (tf.constant(weight) for weight in layer.get_weights())

    def step(projected, past):
        i, f, g, o = tf.split(projected + past[0] @ recurrent, 4, 1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c = f * past[1] + i * g
        return [o * tf.tanh(c), c, i, f, g, o]

    loop = looped(step, 2, recurrent.shape[0], 6)

    def run(x, mask):
        h, c, *gates = loop(x @ kernel + bias, mask)
        return {'hidden': h, 'cell': c, 'gates': dict(zip(gates_of_lstm, gates))}
    return run


def gru(layer):
    kernel, recurrent, (bias, recurrent_bias) = (tf.constant(weight) for weight in layer.get_weights())

    def step(projected, past):
        xz, xr, xg = tf.split(projected, 3, 1)
        hz, hr, hg = tf.split(past[0] @ recurrent + recurrent_bias, 3, 1)
        z, r = tf.sigmoid(xz + hz), tf.sigmoid(xr + hr)
        g = tf.tanh(xg + r * hg)
        return [z * past[0] + (1 - z) * g, z, r, g]

    loop = looped(step, 1, recurrent.shape[0], 4)

    def run(x, mask):
        h, *gates = loop(x @ kernel + bias, mask)
        return {'hidden': h, 'gates': dict(zip(('update', 'reset', 'candidate'), gates))}
    return run


def both_ways(layer):
    forward, backward = fused(layer.forward_layer), fused(layer.backward_layer)

    def run(x, mask):
        there = forward(x)
        back = tf.nest.map_structure(lambda y: tf.reverse(y, [1]), backward(tf.reverse(x, [1])))
        return {'forward': there, 'backward': back}
    return run


class Served:
    def __init__(self, name):
        keras = tf.keras.models.load_model(Path(__file__).parent / 'models' / f'{name}.h5', compile=False)
        *layers, dense = keras.layers
        weights = [tf.constant(weight) for weight in dense.get_weights()]
        ways = {'LSTM': masked_lstm if name == 'masked' else fused, 'GRU': gru, 'Bidirectional': both_ways}
        makers = [(layer, ways[type(layer).__name__](layer)) for layer in layers if type(layer).__name__ in ways]
        table = tf.constant(layers[0].get_weights()[0]) if name == 'masked' else None

        def trace(x):
            mask = None if table is None else x != 0
            y = x if table is None else tf.gather(table, x)
            states = {}
            for layer, run in makers:
                state = states[layer.name] = run(y, mask)
                y = state['hidden'] if 'hidden' in state else tf.concat([state['forward']['hidden'], state['backward']['hidden']], 2)
            return states, y @ weights[0] + weights[1]

        def hidden(state):
            return {'hidden': state['hidden']} if 'hidden' in state else {way: hidden(one) for way, one in state.items()}

        signature = [tf.TensorSpec([None, None, 60]) if table is None else tf.TensorSpec([None, None], tf.int32)]
        compiled = tf.function(input_signature=signature, jit_compile=name in ('gru', 'masked'))
        self.dtype = np.float32 if table is None else np.int32
        self.predict = compiled(lambda x: {'outputs': {'dense': trace(x)[1]}})
        self.hidden = compiled(lambda x: {'layers': {layer: hidden(state) for layer, state in trace(x)[0].items()}})
        self.gates = compiled(lambda x: {'layers': trace(x)[0]})


models = {name: Served(name) for name in os.environ.get('MODELS', 'lstm').split(',')}


async def answer(request, what):
    body = orjson.loads(await request.body())
    model = models[body['model']]
    result = getattr(model, what)(np.asarray(body['inputs'], model.dtype))
    arrays = tf.nest.map_structure(lambda y: np.ascontiguousarray(y.numpy()), result)
    return Response(orjson.dumps(arrays, option=orjson.OPT_SERIALIZE_NUMPY), media_type='application/json')


@app.post('/predict')
async def predict(request: Request):
    return await answer(request, 'predict')


@app.post('/hidden')
async def hidden_states(request: Request):
    return await answer(request, 'hidden')


@app.post('/gates')
async def gates(request: Request):
    return await answer(request, 'gates')
