"""Files in the layout of Keras 1.2.2, which runs on no Python of today: python keras1.py [--out DIR], run by Keras 2.15.

The architecture is written here in Keras 1's words and the weights array by array in its order (LSTM: W, U, b of i, c, f, o; GRU: of z, r,
h). The predictions are those of the same model in Keras 2.15, which reads the weights from the file itself by its own legacy loading.
"""
import argparse
import json
import os
from pathlib import Path
import sys

os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import h5py
import numpy as np
import keras

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from writer import float32_text, write_case

L = keras.layers
rng = np.random.default_rng(1)


def drawn(*shape):
    return (0.5 * rng.normal(size=shape)).astype(np.float32)


def lstm(size, units, order='icfo'):
    return [(f'{kind}_{gate}', drawn(*shape)) for gate in order for kind, shape in (('W', (size, units)), ('U', (units, units)), ('b', (units,)))]


def gru(size, units):
    return lstm(size, units, 'zrh')


def recurrent(name, units, **options):
    """A recurrent layer's config as Keras 1.2.2 writes it."""
    gates = {} if options.pop('simple', False) else {'inner_activation': 'hard_sigmoid'}
    return {'name': name, 'trainable': True, 'output_dim': units, 'init': 'glorot_uniform', 'inner_init': 'orthogonal', 'forget_bias_init': 'one',
            'activation': 'tanh', **gates, 'W_regularizer': None, 'U_regularizer': None, 'b_regularizer': None, 'dropout_W': 0.0, 'dropout_U': 0.0,
            'return_sequences': False, 'go_backwards': False, 'stateful': False, 'unroll': False, 'consume_less': 'cpu', 'input_dim': None,
            'input_length': None, **options}


def dense(name, units, activation='linear', **options):
    return {'name': name, 'trainable': True, 'output_dim': units, 'init': 'glorot_uniform', 'activation': activation, 'W_regularizer': None,
            'b_regularizer': None, 'activity_regularizer': None, 'W_constraint': None, 'b_constraint': None, 'bias': True, 'input_dim': None, **options}


def old(**options):
    return {'recurrent_activation': 'hard_sigmoid', **options}


def tokens():
    """A Sequential is the bare list of its layers; the first says the shape."""
    config = [
        {'class_name': 'Embedding', 'config': {'name': 'embedding', 'trainable': True, 'batch_input_shape': [None, 5], 'input_dtype': 'int32', 'input_dim': 8,
                                               'output_dim': 3, 'init': 'uniform', 'input_length': 5, 'mask_zero': True, 'dropout': 0.0}},
        {'class_name': 'LSTM', 'config': recurrent('lstm', 4, return_sequences=True)},
        {'class_name': 'Dropout', 'config': {'name': 'dropout', 'trainable': True, 'p': 0.4}},
        {'class_name': 'GRU', 'config': recurrent('gru', 3, go_backwards=True)},
        {'class_name': 'Dense', 'config': dense('out', 2, 'softmax')}]
    weights = {'embedding': [('W', drawn(8, 3))], 'lstm': lstm(3, 4), 'dropout': [], 'gru': gru(4, 3), 'out': [('W', drawn(3, 2)), ('b', drawn(2))]}
    model = keras.Sequential([
        keras.Input((5,), dtype='int32'), L.Embedding(8, 3, mask_zero=True, name='embedding'), L.LSTM(4, return_sequences=True, name='lstm', **old()),
        L.Dropout(0.4), L.GRU(3, go_backwards=True, name='gru', **old(reset_after=False)), L.Dense(2, activation='softmax', name='out')])
    return 'Sequential', config, weights, model, {'embedding_input': np.array([[3, 1, 2, 0, 0], [7, 4, 5, 6, 1]], np.int32)}, ['out']


def sequences():
    """A functional model: a wrapper, a merge, a convolution, and gates kept side by side (consume_less gpu)."""
    def node(class_name, config, *inputs):
        return {'class_name': class_name, 'config': config, 'name': config['name'], 'inbound_nodes': [[[name, 0, 0] for name in inputs]] if inputs else []}
    conv = {'name': 'conv', 'trainable': True, 'nb_filter': 3, 'filter_length': 2, 'init': 'glorot_uniform', 'activation': 'relu', 'border_mode': 'same',
            'subsample_length': 1, 'W_regularizer': None, 'b_regularizer': None, 'activity_regularizer': None, 'W_constraint': None, 'b_constraint': None,
            'bias': True, 'input_dim': 3, 'input_length': 6}
    norm = {'name': 'norm', 'trainable': True, 'epsilon': 0.001, 'mode': 0, 'axis': -1, 'momentum': 0.99, 'gamma_regularizer': None, 'beta_regularizer': None}
    layers = [
        node('InputLayer', {'name': 'x', 'batch_input_shape': [None, 6, 3], 'input_dtype': 'float32', 'sparse': False}),
        node('Convolution1D', conv, 'x'),
        node('Bidirectional', {'name': 'bi', 'trainable': True, 'merge_mode': 'concat', 'layer': {
            'class_name': 'LSTM', 'config': recurrent('inner', 2, return_sequences=True, input_length=6)}}, 'x'),
        node('BatchNormalization', norm, 'conv'),
        node('Merge', {'name': 'joined', 'mode': 'concat', 'concat_axis': -1, 'dot_axes': -1, 'output_shape': None, 'output_shape_type': 'raw',
                       'mode_type': 'raw', 'output_mask': None, 'output_mask_type': 'raw', 'arguments': {}}, 'bi', 'norm'),
        node('TimeDistributed', {'name': 'each', 'trainable': True, 'layer': {'class_name': 'Dense', 'config': dense('each_dense', 3, 'tanh', bias=False)}}, 'joined'),
        node('MaxPooling1D', {'name': 'pool', 'trainable': True, 'stride': 2, 'pool_length': 2, 'border_mode': 'valid'}, 'each'),
        node('LSTM', recurrent('gpu', 3, return_sequences=True, consume_less='gpu'), 'pool'),
        node('SimpleRNN', recurrent('last', 2, simple=True), 'gpu')]
    config = {'name': 'model_1', 'layers': layers, 'input_layers': [['x', 0, 0]], 'output_layers': [['last', 0, 0], ['joined', 0, 0]]}
    weights = {
        'x': [], 'conv': [('W', drawn(2, 1, 3, 3)), ('b', drawn(3))],
        'bi': [(f'{side}_{name}', value) for side in ('forward', 'backward') for name, value in lstm(3, 2)],
        'norm': [('gamma', 1 + drawn(3)), ('beta', drawn(3)), ('running_mean', drawn(3)), ('running_std', 1 + np.abs(drawn(3)))],
        'joined': [], 'each': [('W', drawn(7, 3))], 'pool': [],
        'gpu': [('W', drawn(3, 12)), ('U', drawn(3, 12)), ('b', drawn(12))], 'last': [('W', drawn(3, 2)), ('U', drawn(2, 2)), ('b', drawn(2))]}
    x = keras.Input((6, 3), name='x')
    y = L.Bidirectional(L.LSTM(2, return_sequences=True, name='inner', **old()), name='bi')(x)
    joined = L.Concatenate(name='joined')([y, L.BatchNormalization(name='norm')(L.Conv1D(3, 2, padding='same', activation='relu', name='conv')(x))])
    z = L.MaxPooling1D(2, name='pool')(L.TimeDistributed(L.Dense(3, activation='tanh', use_bias=False), name='each')(joined))
    z = L.SimpleRNN(2, name='last')(L.LSTM(3, return_sequences=True, name='gpu', **old())(z))
    return 'Model', config, weights, keras.Model(x, [z, joined]), {'x': np.round(rng.normal(size=(2, 6, 3)), 3).astype(np.float32)}, ['last', 'joined']


def write(path, class_name, config, weights):
    with h5py.File(path, 'w', track_order=False) as file:
        file.attrs['keras_version'] = b'1.2.2'
        file.attrs['model_config'] = json.dumps({'class_name': class_name, 'config': config}).encode()
        group = file.create_group('model_weights')
        group.attrs['layer_names'] = [name.encode() for name in weights]
        # Keras 1 says its version at the root alone: weights without one are Keras 1's, for every later Keras.
        for layer, arrays in weights.items():
            own = group.create_group(layer)
            own.attrs['weight_names'] = [f'{layer}_{name}:0'.encode() for name, _ in arrays]
            for name, value in arrays:
                own.create_dataset(f'{layer}_{name}:0', data=value.astype(np.float32))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--out', default=Path(__file__).resolve().parent.parent.parent, type=Path)
    out = parser.parse_args().out
    for build in (tokens, sequences):
        class_name, config, weights, model, inputs, names = build()
        id_ = f'old-{build.__name__}-k1-h5'
        path = out / 'models' / f'{id_}.h5'
        write(path, class_name, config, weights)
        before = model.get_weights()
        model.load_weights(path)
        assert not any(a.size > 2 and np.array_equal(a, b) for a, b in zip(before, model.get_weights())), 'a weight was not loaded'
        predicted = model.predict(list(inputs.values())[0], verbose=0)
        write_case(out / 'cases' / f'{id_}.json', {
            'id': id_, 'keras': '1.2.2', 'notes': build.__doc__.strip(), 'inputs': {name: float32_text(value) for name, value in inputs.items()},
            'predict': [float32_text(value) for value in (predicted if isinstance(predicted, list) else [predicted])],
            'output_names': names, 'mask': {}, 'expect': {}, 'atol': 1e-5})
        print(f'{id_}: {path.stat().st_size // 1024} KB')


if __name__ == '__main__':
    main()
