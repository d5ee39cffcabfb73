"""Makes the models and their goldens with the Keras of the Python that runs it: python generate.py [--only REGEX] [--out DIR].

For each case: build, give every weight a number drawn from the case's name, save, **load the file again**, predict, watch one eager
run, read every recurrent layer's call in float64, hold the reading against Keras, write. Anything that disagrees stops the case.
"""
import argparse
import contextlib
import datetime
import importlib
import os
from pathlib import Path
import re
import sys
import time
import traceback
import types
import unittest.mock as mock
import warnings
import zipfile

os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')
warnings.filterwarnings('ignore')

import numpy as np
import keras
import tensorflow as tf

from framework import CASES, Kit, seed_of
from recorder import flat, recording
from tensors import tensors_of
from writer import float32_text, float64_text, write_case

HERE = Path(__file__).resolve().parent
MAJOR = int(keras.__version__.split('.')[0])
keras.utils.disable_interactive_logging() if hasattr(keras.utils, 'disable_interactive_logging') else None


def fill(model, seed, scale):
    """Numbers for every weight: kernels and biases normal, moving variances and scales positive."""
    rng = np.random.default_rng(seed)
    values = []
    for variable, value in zip(model.weights, model.get_weights()):
        name = getattr(variable, 'path', None) or variable.name
        if value.dtype.kind != 'f' or 'rnn_state' in name:
            values.append(value)
            continue
        drawn = rng.normal(size=value.shape)
        if re.search('variance', name):
            drawn = 0.5 + np.abs(drawn)
        elif re.search('gamma', name):
            drawn = 1 + 0.3 * drawn
        elif value.ndim < 2 or re.search('bias|beta|mean', name):
            drawn = 0.3 * drawn
        elif not re.search('embedding', name):
            drawn = scale * drawn
        values.append(drawn.astype(value.dtype))
    model.set_weights(values)


def reset_states(model):
    """Puts every stateful layer, nested ones too, back to zero."""
    for layer in every_layer(model):
        if getattr(layer, 'stateful', False) and hasattr(layer, 'cell'):
            for state in flat(layer.states):
                state.assign(np.zeros(state.shape))


def every_layer(model):
    for layer in [*getattr(model, 'layers', []), *(getattr(model, n) for n in ('layer', 'forward_layer', 'backward_layer')
                                                   if hasattr(model, n) and not hasattr(model, 'layers'))]:
        yield layer
        yield from every_layer(layer)


@contextlib.contextmanager
def same_bytes():
    """Keras writes dates and object addresses into its files; here they are always the same, so that a second run gives the same bytes."""
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 1, tzinfo=tz)
    stub = types.SimpleNamespace(**{**vars(time), 'localtime': lambda *_: time.struct_time((2026, 1, 1, 0, 0, 0, 3, 1, 0))})
    lib = importlib.import_module('keras.src.saving.saving_lib')
    numbers, kept = {}, []

    def number(thing):
        kept.append(thing)
        return numbers.setdefault(id(thing), 1000 + len(numbers))
    serialization = importlib.import_module('keras.src.saving.serialization_lib')
    with mock.patch.object(lib, 'datetime', types.SimpleNamespace(datetime=Clock)), \
            mock.patch.object(zipfile, 'time', stub), mock.patch.object(serialization, 'id', number, create=True):
        yield


def start(policy):
    keras.backend.clear_session()
    mixed = keras.mixed_precision
    (getattr(mixed, 'set_global_policy', None) or mixed.set_dtype_policy)(policy)
    keras.utils.set_random_seed(1)


def build(case, policy):
    start(policy)
    kit = Kit(keras, MAJOR, case.name)
    made = case.build(kit)
    model, inputs = made if isinstance(made, tuple) else (made, None)
    if inputs is None:
        inputs = {name: kit.normal(*[d or case.batch for d in shape]) for name, shape in input_shapes(model)}
    return model, inputs


def input_shapes(model):
    return [(name, tuple(t.shape)) for name, t in zip(input_names(model), model.inputs)]


def input_names(model):
    """The names `predict` takes: those of the input layers."""
    if MAJOR == 2:
        return list(model.input_names)
    return [t._keras_history[0].name for t in model.inputs]


def predict(model, inputs):
    reset_states(model)
    feed = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    batch = max(len(v) for v in inputs.values())
    return model.predict(feed, batch_size=batch, verbose=0)


def run_eagerly(model, inputs):
    """Every output, in order, of one call without a graph."""
    reset_states(model)
    feed = {k: tf.constant(v) for k, v in inputs.items()}
    return [np.asarray(v) for v in flat(model(feed if len(feed) > 1 else next(iter(feed.values())), training=False))]


def unique(names):
    """Output names: the layer's; further outputs of one layer get _1, _2 (as Keras 2.15 names them)."""
    seen, out, count = set(), [], {}
    for name in names:
        proposal = name
        while proposal in seen:
            n = count.get(name, 1)
            proposal, count[name] = f'{name}_{n}', n + 1
        seen.add(proposal)
        out.append(proposal)
    return out


def output_layer_names(model):
    if MAJOR == 2:
        return [layer.name for layer in model._output_layers] if hasattr(model, '_output_layers') else [model.layers[-1].name]
    return [t._keras_history[0].name for t in model.outputs]


def close(got, want, tolerance, what):
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if got.shape != want.shape:
        raise AssertionError(f'{what}: shape {got.shape} for {want.shape}')
    worst = float(np.max(np.abs(got - want) / np.maximum(1, np.abs(want)), initial=0))
    if not worst <= tolerance:
        raise AssertionError(f'{what}: off by {worst:.2e}')
    return worst


def layer_outputs(model, inputs, wanted):
    """`<layer>/output` by a sub-model, get_layer(name).output, for layers called once in the model itself."""
    outputs = {}
    for layer in model.layers:
        if (wanted != '*' and layer.name not in wanted) or len(layer._inbound_nodes) != 1 or layer.__class__.__name__ == 'InputLayer':
            continue
        for i, tensor in enumerate(flat(layer.output)):
            outputs[f'{layer.name}/output' + (f'_{i}' if i else '')] = tensor
    if not outputs:
        return {}
    names = list(outputs)
    values = run_eagerly(keras.Model(model.inputs, [outputs[n] for n in names]), inputs)
    return dict(zip(names, values))


def as_input(values, policy):
    """Whole numbers as int32, flags as they are, the rest in the policy's float."""
    kind = np.asarray(values).dtype.kind
    return np.asarray(values, {'i': np.int32, 'u': np.int32, 'b': bool}.get(kind, np.float64 if policy == 'float64' else np.float32))


def golden(case, fmt, out):
    """Makes one file and its case; returns id, the largest difference of the reading from Keras, number of tensors, bytes."""
    id_ = f'{case.name}-k{MAJOR}-{fmt}'
    path = out / 'models' / f'{id_}.{fmt}'
    model, inputs = build(case, case.half or case.policy)
    fill(model, seed_of(case.name), case.scale)
    inputs = {k: as_input(v, case.policy) for k, v in inputs.items()}
    built = run_eagerly(model, inputs) if case.runs_before_saving else None
    with same_bytes():
        model.save(path)
    if fmt not in case.unloadable:
        start(case.policy)
        model = case.load(keras, path) if case.load else keras.models.load_model(path, compile=False)
    raw = predict(model, inputs)
    predicted = flat(raw)
    for i, (a, b) in enumerate(zip(predicted, built or predicted)):
        close(a, b, case.half_atol if case.half else 1e-5, f'output {i} after loading')
    half = None
    if case.half:
        half, weights = predicted, model.get_weights()
        model, _ = build(case, 'float32')
        model.set_weights([w.astype(np.float32) for w in weights])
        raw = predict(model, inputs)
        predicted = flat(raw)
        for i, (a, b) in enumerate(zip(half, predicted)):
            close(a, b, case.half_atol, f'output {i} in half precision')
    with recording(keras) as roots:
        eager = run_eagerly(model, inputs)
    for i, (a, b) in enumerate(zip(eager, predicted)):
        close(a, b, 1e-5, f'output {i}, eager run')
    tensors, outputs, masks, largest = tensors_of(roots, MAJOR, close)
    if model.inputs:
        recurrent = {k.split('/output')[0] for k in outputs}
        for name, value in layer_outputs(model, inputs, case.also if case.also == '*' else recurrent.union(case.also)).items():
            if name in outputs:
                close(outputs[name], value, 1e-5, f'{name} by a sub-model')
            outputs[name] = value
    expect = {k: float64_text(v) for k, v in tensors.items()}
    expect.update({k: float32_text(v) for k, v in outputs.items()})
    names = output_layer_names(model)
    record = {
        'id': id_, 'keras': keras.__version__, 'notes': case.notes,
        'inputs': {k: float32_text(v) for k, v in inputs.items()},
        'predict': [float32_text(p) for p in predicted],
        'output_names': unique(names),
        **({'output_keys': sorted(raw)} if isinstance(raw, dict) else {}),
        **({'predict_half': [float32_text(p) for p in half], 'atol_half': case.half_atol} if half else {}),
        'mask': {k: v.astype(int).tolist() for k, v in masks.items()},
        'expect': expect, 'atol': case.atol,
    }
    if len(names) != len(predicted):
        raise AssertionError(f'{len(predicted)} outputs, {len(names)} names')
    write_case(out / 'cases' / f'{id_}.json', record)
    return id_, largest, len(expect), path.stat().st_size


def remove_strangers(out):
    """Takes away what an earlier version of the cases made with this major."""
    ids = {f'{c.name}-k{MAJOR}-{fmt}' for c in CASES if MAJOR in c.majors for fmt in c.formats_for(MAJOR)}
    for file in [*(out / 'models').iterdir(), *(out / 'cases').iterdir()]:
        if re.search(f'-k{MAJOR}-(h5|keras)$', file.stem) and file.stem not in ids and not file.stem.startswith('old-'):
            file.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--only', default='.', help='regular expression on case names')
    parser.add_argument('--out', default=HERE.parent, type=Path)
    parser.add_argument('--trace', action='store_true', help='print the whole traceback of a failure')
    options = parser.parse_args()
    for file in sorted(HERE.glob('*_cases.py')):
        importlib.import_module(file.stem)
    for folder in ('models', 'cases'):
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    made, failed = 0, []
    for case in CASES:
        if MAJOR not in case.majors or not re.search(options.only, case.name):
            continue
        for fmt in case.formats_for(MAJOR):
            try:
                id_, largest, count, size = golden(case, fmt, options.out)
                made += 1
                print(f'{id_}: {count} tensors, reading within {largest:.1e} of Keras, {size // 1024} KB', flush=True)
            except Exception as error:
                if options.trace:
                    traceback.print_exc()
                failed.append(f'{case.name}-k{MAJOR}-{fmt}')
                print(f'FAILED {failed[-1]}: {type(error).__name__}: {str(error)[:500]}', flush=True)
                for folder, end in (('models', fmt), ('cases', 'json')):
                    (options.out / folder / f'{failed[-1]}.{end}').unlink(missing_ok=True)
    if options.only == '.':
        remove_strangers(options.out)
    print(f'Keras {keras.__version__}: {made} made, {len(failed)} failed')
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
