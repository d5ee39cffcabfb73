"""Rival 2: tuned by hand. One compiled function around TensorFlow's fused LSTM, orjson straight from NumPy arrays."""
from pathlib import Path

import numpy as np
import orjson
import tensorflow as tf
from fastapi import FastAPI, Request, Response

model = tf.keras.models.load_model(Path(__file__).parent / 'models' / 'lstm.h5')
kernel, recurrent, bias = (tf.constant(w) for w in model.get_layer('lstm').get_weights())
dense = [tf.constant(w) for w in model.get_layer('dense').get_weights()]
weights = tf.concat([kernel, recurrent], 0)
units = recurrent.shape[0]
zeros = tf.zeros([units])
app = FastAPI()


@tf.function(input_signature=[tf.TensorSpec([None, None, 60])], reduce_retracing=True)
def run(x):
    first = tf.zeros([tf.shape(x)[0], units])
    i, c, f, o, g, _, h = tf.raw_ops.BlockLSTMV2(
        seq_len_max=tf.cast(tf.shape(x)[1], tf.int64), x=tf.transpose(x, [1, 0, 2]), cs_prev=first, h_prev=first, w=weights,
        wci=zeros, wcf=zeros, wco=zeros, b=bias, cell_clip=0.0, use_peephole=False)
    return [tf.transpose(y, [1, 0, 2]) for y in (h, c, i, f, g, o)]


@tf.function(input_signature=[tf.TensorSpec([None, None, 60])], reduce_retracing=True)
def dense_of(x):
    return run(x)[0] @ dense[0] + dense[1]


def answer(body):
    return Response(orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY), media_type='application/json')


@app.post('/predict')
async def predict(request: Request):
    x = np.asarray(orjson.loads(await request.body())['inputs'], 'float32')
    return answer({'outputs': {'dense': np.ascontiguousarray(dense_of(x).numpy())}})


@app.post('/hidden-states')
async def states(request: Request):
    x = np.asarray(orjson.loads(await request.body())['inputs'], 'float32')
    names = ('hidden', 'cell', 'input', 'forget', 'candidate', 'output')
    return answer({'layers': {'lstm': {name: np.ascontiguousarray(y.numpy()) for name, y in zip(names, run(x))}}})
