"""Rival 4: LitServe with the same Keras model as a compiled function, a worker for each address. Keras gives no gates, so there are none."""
import os
import sys
from pathlib import Path

import litserve
import numpy as np
import tensorflow as tf


class Served(litserve.LitAPI):
    def setup(self, device):
        name = os.environ.get('MODELS', 'lstm')
        model = tf.keras.models.load_model(Path(__file__).parent / 'models' / f'{name}.h5', compile=False)
        self.dtype = model.inputs[0].dtype.as_numpy_dtype
        signature = [tf.TensorSpec([None, *model.inputs[0].shape[1:]], self.dtype)]
        self.run = tf.function(self.part_of(model), input_signature=signature)

    def decode_request(self, request):
        return np.asarray(request['inputs'], self.dtype)

    def predict(self, x):
        return self.run(x)


class Predict(Served):
    def part_of(self, model):
        return model

    def encode_response(self, output):
        return {'outputs': {'dense': output.numpy().tolist()}}


class Hidden(Served):
    def part_of(self, model):
        layers = [layer for layer in model.layers if isinstance(layer, tf.keras.layers.RNN)]
        self.names = [layer.name for layer in layers]
        return tf.keras.Model(model.inputs, [layer.output for layer in layers])

    def encode_response(self, output):
        output = output if isinstance(output, (list, tuple)) else [output]
        return {'layers': {name: {'hidden': value.numpy().tolist()} for name, value in zip(self.names, output)}}


if __name__ == '__main__':
    server = litserve.LitServer([Predict(api_path='/predict'), Hidden(api_path='/hidden')], accelerator='cpu')
    server.run(host='127.0.0.1', port=int(sys.argv[1]), log_level='error', generate_client_file=False)
