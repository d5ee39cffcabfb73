"""The models of the benchmarks, with random weights: speed does not depend on them. Each as Keras saves it, and once more as TensorFlow.js reads it."""
import json
from pathlib import Path

import numpy as np
import tensorflow as tf

tf.get_logger().setLevel('ERROR')
keras = tf.keras
here = Path(__file__).parent / 'models'
tokens, features, classes = 1000, 60, 10


def save(name, first, *layers):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([first, *layers, keras.layers.Dense(classes, name='dense')])
    model.save(here / f'{name}.h5', include_optimizer=False)
    convert(model, here / 'tfjs' / name)


def convert(model, folder):
    """What tensorflowjs_converter writes for a Keras 2 model: the config as it is, and all weights as float32 one after the other."""
    folder.mkdir(parents=True, exist_ok=True)
    values = [np.ascontiguousarray(weight.numpy(), '<f4') for weight in model.weights]
    (folder / 'weights.bin').write_bytes(b''.join(value.tobytes() for value in values))
    manifest = [{'name': weight.name.split(':')[0], 'shape': list(value.shape), 'dtype': 'float32'} for weight, value in zip(model.weights, values)]
    topology = json.loads(model.to_json())
    (folder / 'model.json').write_text(json.dumps({
        'format': 'layers-model',
        'modelTopology': {
            'keras_version': topology.pop('keras_version'), 'backend': topology.pop('backend'), 'model_config': topology},
        'weightsManifest': [{'paths': ['weights.bin'], 'weights': manifest}]}))


def lstm(units, name):
    return keras.layers.LSTM(units, return_sequences=True, name=name)


def numbers():
    return keras.Input((None, features), name='x')


here.mkdir(exist_ok=True)
save('lstm', numbers(), lstm(128, 'lstm'))
save('lstm64', numbers(), lstm(64, 'lstm'))
save('lstm256', numbers(), lstm(256, 'lstm'))
save('gru', numbers(), keras.layers.GRU(128, return_sequences=True, name='gru'))
save('bi', numbers(), keras.layers.Bidirectional(lstm(128, 'lstm'), name='bi'))
save('stacked', numbers(), lstm(128, 'first'), lstm(128, 'second'))
save('masked', keras.Input((None,), dtype='int32', name='ids'), keras.layers.Embedding(tokens, features, embeddings_initializer='random_normal', mask_zero=True, name='letters'), lstm(128, 'lstm'))
