"""From the frames of an eager run to the goldens' tensors by contract name, each reading held against Keras."""
import numpy as np
import tensorflow as tf

from reading import merged, read, returned
from recorder import in_node_order, merge

PER_STEP = ('hidden', 'cell')


def tensors_of(roots, major, close):
    """(expect, outputs, masks, largest difference): every recurrent call below the root model's frame."""
    walk = Walk(major, close)
    (root,) = roots
    walk.inside(root, '', ())
    return walk.expect, walk.outputs, walk.masks, walk.largest


class Walk:
    """Goes down the frames, keeping the path so far and the outer axes (batch, outer steps) TimeDistributed has added."""

    def __init__(self, major, close):
        self.major, self.close = major, close
        self.expect, self.outputs, self.masks, self.largest = {}, {}, {}, 0.0

    def inside(self, frame, path, outer):
        """The layers called within a model's frame, each under its name, with `:call` where it is called more than once."""
        by_layer, own = {}, {id(layer) for layer in frame.layer.layers}
        for child in frame.children:
            if id(child.layer) not in own:
                continue  # Keras 2.15 runs a model within TimeDistributed once more, for its mask, beside the calls of this model.
            by_layer.setdefault(id(child.layer), []).append(child)
        for calls in by_layer.values():
            if len(calls) > 1:
                calls = in_node_order(frame.layer, calls[0].layer, calls)
            for i, child in enumerate(calls):
                name = child.layer.name + (f':{i}' if len(calls) > 1 else '')
                self.one(child, f'{path}/{name}' if path else name, outer)

    def one(self, frame, path, outer):
        kind = frame.layer.__class__.__name__
        if hasattr(frame.layer, 'layers'):
            self.inside(frame, path, outer)
        elif kind == 'TimeDistributed':
            self.time_distributed(frame, path, outer)
        elif kind == 'Bidirectional':
            self.bidirectional(frame, path, outer)
        else:
            self.recurrent(frame, path, outer)
        if not outer and not hasattr(frame.layer, 'layers') and (kind != 'TimeDistributed' or frame.children):
            for i, value in enumerate(frame.output):
                self.outputs[f'{path}/output' + (f'_{i}' if i else '')] = value

    def time_distributed(self, frame, path, outer):
        children = frame.children
        if not children:
            return
        rows, steps = frame.x.shape[:2]
        batch = rows if not outer else None
        if len(children) > 1 or steps == 1 and children[0].output[0].shape[0] == rows:
            # Keras 3 calls the inner layer once an outer step; the while loop of Keras 2 calls it once more, first, for the shape.
            children = [merge(children[-steps:])]
        outer = (*(outer or (batch,)), steps)
        self.one(children[0], f'{path}/{children[0].layer.name}', outer)

    def bidirectional(self, frame, path, outer):
        parts, config = [], frame.layer.get_config()
        for child, direction in ((frame.layer.forward_layer, 'forward'), (frame.layer.backward_layer, 'backward')):
            (call,) = [f for f in frame.children if f.layer is child]
            parts.append(self.recurrent(call, f'{path}/{direction}', outer, with_mask=False))
        layer = frame.layer.forward_layer
        whole = merged(*parts, {'merge_mode': config['merge_mode'], 'return_sequences': layer.return_sequences})
        self.check(whole, batch_major(frame, layer.return_sequences), path)
        self.note_mask(frame, path, outer)

    def note_mask(self, frame, path, outer):
        if frame.mask is not None:
            mask = frame.mask.T if time_major(frame.layer) else frame.mask
            self.masks[path] = mask.reshape((*outer, *mask.shape[1:])) if outer else mask

    def check(self, mine, theirs, what):
        if len(mine) != len(theirs):
            raise AssertionError(f'{what}: {len(mine)} outputs for {len(theirs)}')
        for i, (a, b) in enumerate(zip(mine, theirs)):
            self.largest = max(self.largest, self.close(a, b, 1e-5, f'{what} output {i}'))

    def recurrent(self, frame, path, outer, with_mask=True):
        """Reads one call; returns what the layer returns by the reading, batch first."""
        layer = frame.layer
        major_axis = time_major(layer)
        x = np.swapaxes(frame.x, 0, 1) if major_axis else frame.x
        mask = frame.mask.T if major_axis and frame.mask is not None else frame.mask
        # Bidirectional sets zero_output_for_mask on the layer itself.
        config = {**layer.get_config(), 'zero_output_for_mask': getattr(layer, 'zero_output_for_mask', False)}
        weights = layer.get_weights()
        kind = layer.__class__.__name__
        reading = read(kind, config, weights, x, mask, frame.initial, self.major)
        back = returned(reading, config)
        self.check(back, batch_major(frame, config['return_sequences']), path)
        self.against_prefixes(layer, config, weights, x, mask, frame.initial, reading, path)
        for name, value in reading.tensors.items():
            self.expect[f'{path}/{name}'] = value.reshape((*outer, *value.shape[1:])) if outer else value
        if with_mask:
            self.note_mask(frame, path, outer)
        return back

    def against_prefixes(self, layer, config, weights, x, mask, initial, reading, path):
        """Every state at every step, by Keras itself: the same layer over each beginning (or end) of the sequence, the rest masked."""
        states = [k for k in reading.tensors if 'gates/' not in k and 'final/' not in k]
        if self.major == 3 and states == ['cells/0/hidden']:
            return  # Keras 3.15 cannot mask a stack of one cell of one state; its outputs are those states, and held already.
        rows, steps = x.shape[:2]
        read_so_far = np.tril(np.ones((steps, steps), bool))  # [prefix, step]
        if config.get('go_backwards'):
            read_so_far = read_so_far.T
        masks = np.tile(read_so_far, (rows, 1)) & np.repeat(np.ones((rows, steps), bool) if mask is None else mask.astype(bool), steps, axis=0)
        given = initial and [np.repeat(s, steps, axis=0) for s in initial]
        theirs = run_twin(twin_of(layer, config), np.repeat(x, steps, axis=0), masks, given, weights)
        for name, value in zip(states, theirs):
            value = value.reshape((rows, steps, *value.shape[1:]))
            self.largest = max(self.largest, self.close(reading.tensors[name], value, 1e-5, f'{path}/{name} at every step'))


def time_major(layer):
    return bool(getattr(layer, 'time_major', False) or getattr(getattr(layer, 'forward_layer', None), 'time_major', False))


def batch_major(frame, sequences):
    """What the layer returned, with sequences batch first where it works on [step, batch, ...]."""
    if not (sequences and time_major(frame.layer)):
        return frame.output
    return [np.swapaxes(v, 0, 1) if v.ndim > 2 else v for v in frame.output]


def twin_of(layer, config):
    """The same layer with return_state, without unrolling and without memory between calls."""
    config = {k: v for k, v in config.items() if k not in ('batch_input_shape', 'zero_output_for_mask', 'time_major')}
    # The functions themselves: Keras 2.15 cannot look up log_softmax by the name it gives it.
    own = {k: getattr(layer, k) for k in ('activation', 'recurrent_activation') if k in config}
    return type(layer).from_config({**config, **own, 'return_state': True, 'return_sequences': True, 'stateful': False,
                                    'unroll': False, 'name': 'twin'})


def run_twin(twin, x, mask, initial, weights):
    """The states a twin of these weights ends in, flat."""
    x = tf.constant(x)
    twin(x[:1])
    twin.set_weights(weights)
    kwargs = {} if initial is None else {'initial_state': nest(twin, [tf.constant(s) for s in initial])}
    _, *states = twin(x, mask=tf.constant(mask), **kwargs)
    return [np.asarray(s) for s in tf.nest.flatten(states)]


def nest(layer, states):
    """The flat list of states in the structure a stack of cells takes."""
    sizes = layer.cell.state_size if hasattr(layer, 'cell') else None
    if not isinstance(sizes, (list, tuple)) or not any(isinstance(s, (list, tuple)) for s in sizes):
        return states
    rest, nested = list(states), []
    for size in sizes:
        n = len(size) if isinstance(size, (list, tuple)) else 1
        nested.append(rest[:n] if isinstance(size, (list, tuple)) else rest[0])
        rest = rest[n:]
    return nested
