"""Watches an eager run of a Keras model: which recurrent layer was called with which input, mask and initial state.

The run becomes a tree of frames (a model, a wrapper, a recurrent layer inside it), one frame a call, in the order of the graph.
"""
from contextlib import contextmanager
from dataclasses import dataclass, field
import functools
import inspect

import numpy as np


@dataclass
class Frame:
    """One call of one layer; arrays are NumPy. `calls` frames stacked by merge() have batch * calls rows."""

    layer: object
    x: object = None
    mask: object = None
    initial: list | None = None
    output: object = None
    children: list = field(default_factory=list)


def flat(value):
    """The tensors of a nested value in Keras' order (dicts by sorted key); None inside is left out."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [t for k in sorted(value) for t in flat(value[k])]
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in flat(v)]
    return [value]


def watched_classes(keras):
    """The classes whose calls make a frame."""
    layers = keras.layers
    names = ['RNN', 'LSTM', 'GRU', 'SimpleRNN', 'ConvLSTM1D', 'ConvLSTM2D', 'ConvLSTM3D', 'Bidirectional', 'TimeDistributed']
    x = keras.Input((1,))
    functional = type(keras.Model(x, keras.layers.Flatten()(x)))
    kinds = [functional, keras.Sequential, *(getattr(keras.layers, name) for name in names)]
    found = {base for kind in kinds for base in kind.__mro__ if 'call' in vars(base)}
    return [c for c in found if issubclass(c, (keras.Model, *kinds)) and c is not keras.Model]


@contextmanager
def recording(keras):
    """Within it every call of a watched layer is noted; yields the list the outermost frames go to."""
    roots, stack, originals = [], [], []

    def wrap(original):
        signature = inspect.signature(original)

        @functools.wraps(original)
        def call(self, *args, **kwargs):
            top = stack[-1] if stack else None
            if top is not None and (top.layer is self or getattr(top.layer, '_functional', None) is self):
                return original(self, *args, **kwargs)
            frame = Frame(self)
            _note_arguments(frame, signature.bind(self, *args, **kwargs).arguments)
            (top.children if top else roots).append(frame)
            stack.append(frame)
            try:
                output = original(self, *args, **kwargs)
            finally:
                stack.pop()
            frame.output = [_numpy(t) for t in flat(output)]
            return output
        # Keras 2 asks the signature of an inner layer's call, and takes the wrapper's own unless it is given here.
        call.__signature__ = signature
        return call

    for cls in watched_classes(keras):
        originals.append((cls, vars(cls)['call']))
        cls.call = wrap(vars(cls)['call'])
    try:
        yield roots
    finally:
        for cls, original in originals:
            cls.call = original


def _note_arguments(frame, arguments):
    names = list(arguments)
    inputs = arguments[names[1]]
    initial = arguments.get('initial_state')
    if hasattr(frame.layer, 'return_sequences') and isinstance(inputs, (list, tuple)):
        inputs, initial = inputs[0], (inputs[1:] if len(inputs) > 1 else initial)  # Keras 2: [x, *states]
    masks = arguments.get('mask')
    masks = masks[0] if isinstance(masks, (list, tuple)) else masks
    frame.x = inputs if isinstance(inputs, (list, tuple, dict)) else _numpy(inputs)
    frame.mask = None if masks is None or isinstance(masks, dict) else _numpy(masks)
    frame.initial = [_numpy(s) for s in flat(initial)] or None


def _numpy(tensor):
    return np.asarray(tensor)


def merge(frames):
    """T frames of one layer, one an outer step, as one frame of batch * T rows, outer step fastest: [batch, T] flattened."""
    first = frames[0]

    def join(values):
        if any(v is None for v in values):
            return None
        if isinstance(values[0], (list, tuple)):
            return [join(v) for v in zip(*values)]
        stacked = np.stack(values, axis=1)
        return stacked.reshape((-1,) + stacked.shape[2:])

    return Frame(first.layer, join([f.x for f in frames]) if isinstance(first.x, np.ndarray) else None,
                 join([f.mask for f in frames]), join([f.initial for f in frames]), join([f.output for f in frames]),
                 [merge(list(same)) for same in zip(*(f.children for f in frames))])


def in_node_order(model, layer, frames):
    """Frames of one layer called several times within one model, in the order of the file's inbound nodes."""
    model = getattr(model, '_functional', None) or model
    depths = model._nodes_by_depth
    run = []
    for depth in sorted(depths, reverse=True):
        for node in depths[depth]:
            if (getattr(node, 'layer', None) or getattr(node, 'operation', None)) is layer:
                run.append(node)
    if len(run) != len(frames):
        raise AssertionError(f'{layer.name}: {len(frames)} calls seen, {len(run)} nodes')
    own = list(layer._inbound_nodes)
    rank = sorted(range(len(run)), key=lambda i: own.index(run[i]))
    return [frames[i] for i in rank]
