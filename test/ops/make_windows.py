"""Records what TensorFlow's convolutions and pools give into windows.golden.json, beside this file (tensorflow-cpu 2.21.0, keras 3.15).

All entries are small whole numbers, so that every sum is exact in float32 and the order of adding cannot matter.

    python test/ops/make_windows.py
"""
import itertools
import json
import os
import pathlib

os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

random = np.random.default_rng(7)
file = pathlib.Path(__file__).with_name('windows.golden.json')


def whole(*shape):
    return random.integers(-4, 5, shape).astype('float32')


def array(values):
    values = np.asarray(values)
    return {'shape': list(values.shape), 'data': [int(value) if value == int(value) else float(str(value)) for value in values.ravel()]}


def conv(x, kernel, strides, padding, dilation):
    # Groups: only the compiled kernel has them on a processor.
    compiled = x.shape[3] != kernel.shape[2]
    function = tf.function(lambda a, b: tf.nn.conv2d(a, b, strides, padding.upper(), dilations=dilation), jit_compile=compiled)
    return function(x, kernel)


def cases():
    # Strides or dilations: Keras' convolutions have not both at once.
    steps = [((1, 1), (1, 1)), ((2, 2), (1, 1)), ((1, 3), (1, 1)), ((3, 2), (1, 1)), ((1, 1), (2, 2)), ((1, 1), (1, 3))]
    for padding, (strides, dilation), window in itertools.product(('valid', 'same'), steps, ((1, 1), (2, 3), (3, 2))):
        x, kernel = whole(1, 7, 8, 2), whole(*window, 2, 3)
        yield {'op': 'conv', 'x': array(x), 'kernel': array(kernel), 'groups': 1, 'strides': strides, 'padding': padding, 'dilation': dilation,
               'y': array(conv(x, kernel, strides, padding, dilation))}
    for groups, padding in itertools.product((2, 4), ('valid', 'same')):
        x, kernel = whole(1, 5, 4, 4), whole(2, 2, 4 // groups, 8)
        yield {'op': 'conv', 'x': array(x), 'kernel': array(kernel), 'groups': groups, 'strides': (1, 2), 'padding': padding, 'dilation': (1, 1),
               'y': array(conv(x, kernel, (1, 2), padding, (1, 1)))}
    # Keras 3 has strides and dilations at once for these.
    steps = [((1, 1), (1, 1)), ((2, 2), (1, 1)), ((3, 3), (1, 1)), ((2, 1), (1, 1)), ((1, 1), (2, 2)), ((1, 1), (1, 2)), ((2, 2), (2, 2)), ((3, 2), (1, 2))]
    for padding, (strides, dilation), multiplier in itertools.product(('valid', 'same'), steps, (1, 2)):
        x, kernel = whole(2, 7, 6, 2), whole(3, 2, 2, multiplier)
        yield {'op': 'depthwiseConv', 'x': array(x), 'kernel': array(kernel), 'strides': strides, 'padding': padding, 'dilation': dilation,
               'y': array(keras.ops.depthwise_conv(x, kernel, strides, padding, dilation_rate=dilation))}
    for kind, padding, size, strides in itertools.product(('max', 'mean'), ('valid', 'same'), ((1, 2), (2, 2), (3, 2), (4, 3)), ((1, 1), (2, 2), (1, 3), (3, 2))):
        # Below zero too: padding must not show as a largest zero.
        x = whole(1, 7, 6, 2) - 5
        pool = tf.nn.max_pool2d if kind == 'max' else tf.nn.avg_pool2d
        yield {'op': 'pool', 'kind': kind, 'x': array(x), 'size': size, 'strides': strides, 'padding': padding,
               'y': array(pool(x, size, strides, padding.upper()))}


lines = [json.dumps(case, separators=(',', ':')) for case in cases()]
file.write_text('[\n' + ',\n'.join(lines) + '\n]\n')
print(len(lines), 'cases')
