"""Rival 1: what people write first. Keras `predict`, gates by a NumPy loop, lists into JSON."""
import numpy as np
import tensorflow as tf
from fastapi import FastAPI
from pydantic import BaseModel
from pathlib import Path

model = tf.keras.models.load_model(Path(__file__).parent / 'models' / 'lstm.h5')
kernel, recurrent, bias = model.get_layer('lstm').get_weights()
units = recurrent.shape[0]
app = FastAPI()


class Body(BaseModel):
    inputs: list


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@app.post('/predict')
def predict(body: Body):
    return {'outputs': {'dense': model.predict(np.asarray(body.inputs, 'float32'), verbose=0).tolist()}}


@app.post('/hidden-states')
def states(body: Body):
    x = np.asarray(body.inputs, 'float32')
    h = c = np.zeros((len(x), units), 'float32')
    kept = {name: [] for name in ('hidden', 'cell', 'input', 'forget', 'candidate', 'output')}
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        for name, value in zip(kept, (h, c, i, f, g, o)):
            kept[name].append(value)
    return {'layers': {'lstm': {name: np.stack(values, 1).tolist() for name, values in kept.items()}}}
