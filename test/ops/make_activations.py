"""Records what Keras' activations give into activations.golden.json, beside this file.

Run it once with Keras 2 and once with Keras 3 (requirements: tensorflow-cpu 2.15.1, and 2.21.0 with keras 3.15); each run replaces
the part of its own major:

    python test/ops/make_activations.py

An entry is what a file holds for the activation (as Keras itself writes it for a layer) and its values at x `[row, 6]`.
"""
import json
import os
import pathlib

os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'

import keras  # noqa: E402
import numpy as np  # noqa: E402

major = keras.__version__.split('.')[0]
file = pathlib.Path(__file__).with_name('activations.golden.json')

names = {
    '2': ['linear', 'relu', 'relu6', 'leaky_relu', 'elu', 'selu', 'softplus', 'softsign', 'swish', 'silu', 'gelu', 'tanh', 'sigmoid',
          'exponential', 'hard_sigmoid', 'mish', 'softmax', 'log_softmax'],
    '3': ['linear', 'relu', 'relu6', 'leaky_relu', 'elu', 'selu', 'celu', 'softplus', 'softsign', 'squareplus', 'soft_shrink',
          'sparse_plus', 'sparse_sigmoid', 'silu', 'swish', 'hard_silu', 'hard_swish', 'gelu', 'glu', 'tanh', 'tanh_shrink', 'sigmoid',
          'exponential', 'hard_sigmoid', 'hard_tanh', 'hard_shrink', 'mish', 'softmax', 'log_softmax', 'log_sigmoid', 'sparsemax'],
}[major]


def layers():
    """Layers that files hold as another layer's activation, with settings that all differ from the defaults, and with none."""
    slope = 'alpha' if major == '2' else 'negative_slope'
    yield keras.layers.LeakyReLU()
    yield keras.layers.LeakyReLU(**{slope: 0.125})
    yield keras.layers.ReLU()
    yield keras.layers.ReLU(max_value=2.5)
    yield keras.layers.ReLU(max_value=6)
    yield keras.layers.ReLU(negative_slope=0.25)
    yield keras.layers.ReLU(threshold=0.5)
    yield keras.layers.ReLU(max_value=3, negative_slope=0.25, threshold=0.5)
    yield keras.layers.ReLU(max_value=3, negative_slope=0.25)
    yield keras.layers.ELU()
    yield keras.layers.ELU(alpha=0.5)
    yield keras.layers.Softmax()
    yield keras.layers.Softmax(axis=1)
    yield keras.layers.Activation('tanh')
    if major == '2':
        yield keras.layers.ThresholdedReLU()
        yield keras.layers.ThresholdedReLU(theta=0.25)


def inputs():
    special = [0.0, -0.0, 1e-40, -1e-40, 1e-20, -1e-20, 1e-7, -1e-7, 1e-3, -1e-3, 0.5, -0.5, 1, -1, 2.5, -2.5, 3, -3, 6, -6, 13.9, -13.9,
               20, -20, 60, -60, 88, -88, 100, -100, 1e4, -1e4, 1e18, -1e18, 0.25, -0.25]
    random = np.random.default_rng(3)
    return np.concatenate([
        special, np.linspace(-20, 20, 60), random.normal(0, 3, 60), np.repeat([1.0, -2.0, 0.5], 2), [0.5, 0.5, 0.25, 0.25, -1, 0],
    ]).astype('float32').reshape(-1, 6)


def shortest(values):
    """The shortest decimals that give back each float32; JSON has no infinity."""
    def one(value):
        if np.isfinite(value):
            return float(str(value))
        return 'nan' if np.isnan(value) else 'inf' if value > 0 else '-inf'
    return [[one(value) for value in row] for row in np.asarray(values, 'float32')]


def as_written(activation):
    """What a layer's config holds for it in the file."""
    layer = keras.layers.Dense(1, activation=activation)
    return json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))['config']['activation']


def values(function, x):
    return np.asarray(keras.ops.convert_to_numpy(function(x)) if major == '3' else function(x))


x = inputs()
tensor = keras.ops.convert_to_tensor(x) if major == '3' else __import__('tensorflow').constant(x)
entries = [{'activation': name, 'y': shortest(values(keras.activations.get(name), tensor))} for name in names]
entries += [{'activation': as_written(layer), 'y': shortest(values(layer, tensor))} for layer in layers()]

golden = json.loads(file.read_text()) if file.exists() else {}
golden['x'] = shortest(x)
golden[major] = {'version': keras.__version__, 'entries': entries}
# One entry a line: a change shows in a diff.
lines = ',\n'.join(
    f'  {json.dumps(key)}: ' + (
        json.dumps(part) if key == 'x' else
        '{ "version": ' + json.dumps(part['version']) + ', "entries": [\n    ' + ',\n    '.join(map(json.dumps, part['entries'])) + '\n  ] }')
    for key, part in sorted(golden.items(), reverse=True))
file.write_text('{\n' + lines + '\n}\n')
print(major, len(entries), 'activations,', x.size, 'values each')
