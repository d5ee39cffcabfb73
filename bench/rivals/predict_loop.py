"""Rival 1: what people write first. Keras `predict`, gates by a NumPy loop, lists into JSON."""
import os
from pathlib import Path

import numpy as np
import tensorflow as tf
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Body(BaseModel):
    model: str
    inputs: list


def load(name):
    model = tf.keras.models.load_model(Path(__file__).parent / 'models' / f'{name}.h5')
    layer = model.layers[0]
    return model, layer, tf.keras.Model(model.inputs, layer.output)


models = {name: load(name) for name in os.environ.get('MODELS', 'lstm').split(',')}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm(layer, x):
    kernel, recurrent, bias = layer.get_weights()
    h = c = np.zeros((len(x), len(recurrent)), 'float32')
    kept = {name: [] for name in ('hidden', 'cell', 'input', 'forget', 'candidate', 'output')}
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        for name, value in zip(kept, (h, c, i, f, g, o)):
            kept[name].append(value)
    return kept


def gru(layer, x):
    kernel, recurrent, bias = layer.get_weights()
    h = np.zeros((len(x), len(recurrent)), 'float32')
    kept = {name: [] for name in ('hidden', 'update', 'reset', 'candidate')}
    for t in range(x.shape[1]):
        xz, xr, xg = np.split(x[:, t] @ kernel + bias[0], 3, axis=1)
        hz, hr, hg = np.split(h @ recurrent + bias[1], 3, axis=1)
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        g = np.tanh(xg + r * hg)
        h = z * h + (1 - z) * g
        for name, value in zip(kept, (h, z, r, g)):
            kept[name].append(value)
    return kept


@app.post('/predict')
def predict(body: Body):
    model, _, _ = models[body.model]
    return {'outputs': {'dense': model.predict(np.asarray(body.inputs), verbose=0).tolist()}}


@app.post('/hidden')
def hidden(body: Body):
    _, layer, inner = models[body.model]
    return {'layers': {layer.name: {'hidden': inner.predict(np.asarray(body.inputs), verbose=0).tolist()}}}


@app.post('/gates')
def gates(body: Body):
    _, layer, _ = models[body.model]
    run = lstm if isinstance(layer, tf.keras.layers.LSTM) else gru
    arrays = {name: np.stack(values, 1).tolist() for name, values in run(layer, np.asarray(body.inputs, 'float32')).items()}
    states = {name: arrays.pop(name) for name in ('hidden', 'cell') if name in arrays}
    return {'layers': {layer.name: {**states, 'gates': arrays}}}
