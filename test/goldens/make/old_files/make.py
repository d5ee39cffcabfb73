"""Models saved by older Kerases, with what those Kerases answer: python make.py [--out DIR], run by the Keras that is to save them.

Under Keras 2.12, 2.13 and 2.14 (tensorflow-cpu) and Keras 3.0, 3.4 and 3.8 (KERAS_BACKEND=jax is enough); see requirements.txt.
"""
import argparse
import os
from pathlib import Path
import re
import sys

os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import numpy as np
import keras

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from writer import float32_text, write_case

WITH_H5 = ('2.13', '3.0', '3.8')  # the others write the same .h5 as these
VERSION = '.'.join(keras.__version__.split('.')[:2])
L = keras.layers


def plain():
    """Tokens, masked: two layers of one class, so that their numbers in the file count."""
    return keras.Sequential([
        keras.Input((6,), dtype='int32', name='ids'),
        L.Embedding(9, 3, mask_zero=True, name='embedding'),
        L.LSTM(4, return_sequences=True, name='first'),
        L.LSTM(3, return_sequences=True, name='second'),
        L.GRU(3, dropout=0.2, name='gru'),
        L.Dense(4, activation='relu', name='hidden'),
        L.Dense(2, activation='softmax', name='out')
    ]), [np.array([[3, 1, 4, 1, 5, 0], [2, 7, 0, 0, 0, 0], [8, 2, 6, 5, 3, 5]], np.int32)]


def wrapped():
    """Cells and layers inside others."""
    x = keras.Input((5, 3), name='x')
    y = L.Bidirectional(L.GRU(3, return_sequences=True), name='bi')(x)
    y = L.Bidirectional(L.LSTM(2, return_sequences=True), merge_mode='sum', name='both')(y)
    y = L.TimeDistributed(L.Dense(3, activation='tanh'), name='each')(y)
    y = L.RNN(L.StackedRNNCells([L.LSTMCell(3), L.GRUCell(2), L.LSTMCell(2)]), return_sequences=True, name='stacked')(y)
    y = L.RNN(L.SimpleRNNCell(3), name='last')(y)
    return keras.Model(x, y), [drawn((2, 5, 3))]


def nested():
    """A model in a model, called twice, with weights that are not trained, and states handed from layer to layer."""
    inner_x = keras.Input((4, 3), name='inner_x')
    y = L.BatchNormalization(name='standard')(inner_x)
    y = L.LSTM(3, return_sequences=True, name='lstm')(y)
    inner = keras.Model(inner_x, L.Dense(3, name='back')(y), name='inner')
    tail = keras.Sequential([keras.Input((4, 3)), L.LayerNormalization(name='even'), L.SimpleRNN(4, name='rnn')], name='tail')
    x, z = keras.Input((4, 3), name='x'), keras.Input((5, 3), name='z')
    once = inner(x)
    twice = inner(once)
    joined = L.Add(name='joined')([once, twice])
    y, hidden, cell = L.LSTM(4, return_state=True, name='encoder')(z)
    decoded = L.LSTM(4, name='decoder')(joined, initial_state=[hidden, cell])
    return keras.Model([x, z], [L.Dense(2, name='out')(decoded), tail(twice), y]), [drawn((2, 4, 3)), drawn((2, 5, 3))]


rng = np.random.default_rng(7)


def drawn(shape):
    return np.round(rng.normal(size=shape), 3).astype(np.float32)


def fill(model):
    """Numbers for every weight; variances positive."""
    values = []
    for variable in model.weights:
        value = np.asarray(variable)
        number = 0.5 * rng.normal(size=value.shape)
        name = getattr(variable, 'path', None) or variable.name
        values.append((0.5 + np.abs(number) if 'variance' in name else number).astype(value.dtype))
    model.set_weights(values)


def answers(model, inputs):
    out = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(tensor) for tensor in (out if isinstance(out, (list, tuple)) else [out])]


def pairs(model, inputs, build, out):
    """The architecture alone, with its weights beside it: in the layout of .keras files, and in Keras 2 in that of .h5."""
    for kind in ('pair', 'legacy-pair') if VERSION.startswith('2') else ('pair',):
        id_ = f'old-{build.__name__}-{kind}-k{VERSION}-json'
        folder = out / 'models' / id_
        folder.mkdir(exist_ok=True)
        (folder / 'model.json').write_text(model.to_json())
        saved = folder / ('weights.h5' if kind == 'legacy-pair' else 'model.weights.h5')
        model.save_weights(saved)
        saved.rename(folder / 'model.weights.h5')
        record(out, id_, build, inputs, answers(model, inputs), names_of(model))


def names_of(model):
    return [re.sub('/.*', '', tensor.name) for tensor in model.inputs]


def record(out, id_, build, inputs, predicted, names):
    write_case(out / 'cases' / f'{id_}.json', {
        'id': id_, 'keras': keras.__version__, 'notes': build.__doc__.strip(),
        'inputs': {name: float32_text(value) for name, value in zip(names, inputs)},
        'predict': [float32_text(value) for value in predicted],
        'output_names': OUTPUTS[build], 'mask': {}, 'expect': {}, 'atol': 1e-5})


OUTPUTS = {plain: ['out'], wrapped: ['last'], nested: ['out', 'tail', 'encoder']}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--out', default=Path(__file__).resolve().parent.parent.parent, type=Path)
    out = parser.parse_args().out
    for build in (plain, wrapped, nested):
        keras.backend.clear_session()
        model, inputs = build()
        fill(model)
        if (VERSION, build) in (('2.13', nested), ('3.8', wrapped)):
            pairs(model, inputs, build, out)
        for fmt in ('keras', 'h5') if VERSION in WITH_H5 else ('keras',):
            id_ = f'old-{build.__name__}-k{VERSION}-{fmt}'
            path = out / 'models' / f'{id_}.{fmt}'
            # Keras 2.12 writes HDF5 under either name unless it is asked for the archive; `plain` stays so.
            asked = {'save_format': 'keras_v3'} if (VERSION, fmt) == ('2.12', 'keras') and build is not plain else {}
            try:
                model.save(path, **asked)
            except ValueError as error:
                # Keras 3.0 gives the weights of a wrapped layer one name in .h5.
                print(f'{id_}: this Keras cannot save it: {str(error)[:200]}')
                path.unlink(missing_ok=True)
                continue
            predicted = answers(model, inputs)
            try:
                loaded = answers(keras.models.load_model(path, compile=False), inputs)
                assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(predicted, loaded)), 'the file gives other numbers'
            except (ValueError, TypeError) as error:
                print(f'{id_}: its own Keras cannot load it: {str(error)[:200]}')
            record(out, id_, build, inputs, predicted, names_of(model))
            print(f'{id_}: {path.stat().st_size // 1024} KB', flush=True)


if __name__ == '__main__':
    main()
