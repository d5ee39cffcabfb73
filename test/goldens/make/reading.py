"""An independent float64 reading of recurrent layers: from config, weights and inputs to states and gates.

It knows nothing of Keras but the meaning of a config: no Keras code runs here. `read` gives the tensors of one call of one
recurrent layer on input time, and what the layer returns in Keras' own order, which the generator holds against Keras.

Axes: x [batch, step, feature] (ConvLSTM: [batch, step, rows, columns, channel] or without columns), states [batch, unit],
per-step tensors [batch, step, unit].
"""
from dataclasses import dataclass, field

import numpy as np

from activations import activation


class Cell:
    """One recurrent cell: `step(x, states)` gives the gates by name and the new states, in the order of `state_names`."""

    state_names = ('hidden',)

    def __init__(self, config, weights, major):
        self.config = config
        self.units = config.get('units', config.get('filters'))
        self.weights = [np.asarray(w, np.float64) for w in weights]
        self.act = activation(config.get('activation'), major)
        self.ract = activation(config.get('recurrent_activation'), major)

    def zeros(self, x):
        return tuple(np.zeros((x.shape[0], self.units)) for _ in self.state_names)


class SimpleRNNCell(Cell):
    """h = act(x.W + h'.U + b)"""

    def step(self, x, states):
        (h,) = states
        kernel, recurrent, *bias = self.weights
        z = x @ kernel + h @ recurrent + sum(bias)
        return {}, (self.act(z),)


class LSTMCell(Cell):
    """Gers et al. 2000, as Keras writes it: z split i,f,c,o; c = f*c' + i*g; h = o*act(c)."""

    state_names = ('hidden', 'cell')

    def project(self, x, h):
        kernel, recurrent, *bias = self.weights
        return np.split(x @ kernel + h @ recurrent + sum(bias), 4, axis=-1)

    def step(self, x, states):
        h, c = states
        z_i, z_f, z_c, z_o = self.project(x, h)
        i, f, g, o = self.ract(z_i), self.ract(z_f), self.act(z_c), self.ract(z_o)
        c = f * c + i * g
        return {'input': i, 'forget': f, 'candidate': g, 'output': o}, (o * self.act(c), c)


class GRUCell(Cell):
    """Cho et al. 2014: z split z,r,h; h = z*h' + (1-z)*hh. reset_after: r multiplies h'.U_h + b_rec_h, else h' itself."""

    def step(self, x, states):
        (h,) = states
        kernel, recurrent, *bias = self.weights
        after = self.config.get('reset_after', False)
        b_in, b_rec = (0, 0) if not bias else tuple(bias[0]) if after else (bias[0], 0)
        x_z, x_r, x_h = np.split(x @ kernel + b_in, 3, axis=-1)
        u_z, u_r, u_h = np.split(recurrent, 3, axis=-1)
        b_z, b_r, b_h = np.split(b_rec, 3) if after and bias else (0, 0, 0)
        z = self.ract(x_z + h @ u_z + b_z)
        r = self.ract(x_r + h @ u_r + b_r)
        hh = self.act(x_h + r * (h @ u_h + b_h)) if after else self.act(x_h + (r * h) @ u_h)
        return {'update': z, 'reset': r, 'candidate': hh}, (z * h + (1 - z) * hh,)


class ConvLSTMCell(LSTMCell):
    """Shi et al. 2015 without peepholes: the matrix products of LSTM become convolutions; the recurrent one is 'same'."""

    def __init__(self, config, weights, major):
        super().__init__(config, weights, major)
        self.rank = self.weights[0].ndim - 2
        self.first = config['data_format'] == 'channels_first'

    def last(self, x):
        return np.moveaxis(x, 1, -1) if self.first else x

    def back(self, x):
        return np.moveaxis(x, -1, 1) if self.first else x

    def input_conv(self, x, kernel):
        c = self.config
        return convolve(self.last(x), kernel, c['padding'], _tuple(c['strides'], self.rank), _tuple(c['dilation_rate'], self.rank))

    def zeros(self, x):
        zero = self.back(np.zeros_like(self.input_conv(x, self.weights[0][..., :self.units])))
        return zero, zero

    def step(self, x, states):
        kernel, recurrent, *bias = self.weights
        h, c = (self.last(s) for s in states)
        one = (1,) * self.rank
        z = self.input_conv(x, kernel) + convolve(h, recurrent, 'same', one, one) + sum(bias)
        z_i, z_f, z_c, z_o = np.split(z, 4, axis=-1)
        i, f, g, o = self.ract(z_i), self.ract(z_f), self.act(z_c), self.ract(z_o)
        c = f * c + i * g
        gates = {'input': i, 'forget': f, 'candidate': g, 'output': o}
        return {k: self.back(v) for k, v in gates.items()}, (self.back(o * self.act(c)), self.back(c))


def convolve(x, kernel, padding, strides, dilation):
    """x [batch, *space, channel], kernel [*space, channel, filter]: cross-correlation; 'same' pads the odd one at the end."""
    rank = kernel.ndim - 2
    reach = [(kernel.shape[d] - 1) * dilation[d] + 1 for d in range(rank)]
    if padding == 'same':
        pads = []
        for d in range(rank):
            size = x.shape[d + 1]
            total = max((-(-size // strides[d]) - 1) * strides[d] + reach[d] - size, 0)
            pads.append((total // 2, total - total // 2))
        x = np.pad(x, [(0, 0), *pads, (0, 0)])
    out = [(x.shape[d + 1] - reach[d]) // strides[d] + 1 for d in range(rank)]
    y = np.zeros((x.shape[0], *out, kernel.shape[-1]))
    for at in np.ndindex(*kernel.shape[:rank]):
        window = tuple(slice(at[d] * dilation[d], at[d] * dilation[d] + (out[d] - 1) * strides[d] + 1, strides[d]) for d in range(rank))
        y += x[(slice(None), *window)] @ kernel[at]
    return y


def _tuple(value, rank):
    return (value,) * rank if isinstance(value, int) else tuple(value)


CELLS = {
    'LSTM': LSTMCell, 'LSTMCell': LSTMCell, 'GRU': GRUCell, 'GRUCell': GRUCell,
    'SimpleRNN': SimpleRNNCell, 'SimpleRNNCell': SimpleRNNCell,
    'ConvLSTM1D': ConvLSTMCell, 'ConvLSTM2D': ConvLSTMCell, 'ConvLSTM3D': ConvLSTMCell,
}


def cells_of(class_name, config, weights, major):
    """The list of cells of a layer, and whether its config stacks them (then names carry `cells/<i>`)."""
    if class_name != 'RNN':
        return [CELLS[class_name](config, weights, major)], False
    cell = config['cell']
    stacked = cell['class_name'] == 'StackedRNNCells'
    inner = cell['config']['cells'] if stacked else [cell]
    cells, rest = [], list(weights)
    for c in inner:
        count = 2 + bool(c['config']['use_bias'])
        cells.append(CELLS[c['class_name']](c['config'], rest[:count], major))
        rest = rest[count:]
    if rest:
        raise ValueError(f'{len(rest)} weights too many')
    return cells, stacked


@dataclass
class Reading:
    """`tensors` by contract name; `sequence` [batch, step, unit] in the layer's own order; `last`; `states`, flat."""

    tensors: dict = field(default_factory=dict)
    sequence: np.ndarray | None = None
    last: np.ndarray | None = None
    states: list = field(default_factory=list)


def read(class_name, config, weights, x, mask=None, initial=None, major=2):
    """One call of one recurrent layer.

    x [batch, step, ...]; mask [batch, step], true where the step is read; initial: flat list of states, or None for zeros.
    A masked step carries the states on, has gates 0, and puts out the previous output (zeros before the first), or zeros with
    zero_output_for_mask.
    """
    x = np.asarray(x, np.float64)
    cells, stacked = cells_of(class_name, config, weights, major)
    steps = x.shape[1]
    states, rest = [], None if initial is None else [np.asarray(s, np.float64) for s in initial]
    feed = x[:, 0]
    for cell in cells:
        n = len(cell.state_names)
        states.append(tuple(rest[:n]) if rest else cell.zeros(feed))
        rest = rest and rest[n:]
        feed = states[-1][0]
    backwards = config.get('go_backwards', False)
    zero_output = bool(config.get('zero_output_for_mask') and mask is not None)
    unroll = config.get('unroll', False)
    order = range(steps)[::-1] if backwards else range(steps)
    per_step = [[None] * steps for _ in cells]
    outputs, previous = [], np.zeros_like(states[-1][0])
    for t in order:
        feed, new_states, gates = x[:, t], [], []
        for cell, own in zip(cells, states):
            g, new = cell.step(feed, own)
            gates.append(g)
            new_states.append(new)
            feed = new[0]
        if mask is not None:
            keep = np.asarray(mask)[:, t].astype(bool)
            def where(new, old, keep=keep):
                return np.where(keep.reshape((-1,) + (1,) * (new.ndim - 1)), new, old)
            new_states = [tuple(where(n, o) for n, o in zip(new, old)) for new, old in zip(new_states, states)]
            gates = [{k: where(v, 0) for k, v in g.items()} for g in gates]
            feed = where(feed, 0 if zero_output and not unroll else previous)
        states, previous = new_states, feed
        outputs.append(feed)
        for i, cell in enumerate(cells):
            per_step[i][t] = {**dict(zip(cell.state_names, states[i])), **{f'gates/{k}': v for k, v in gates[i].items()}}
    sequence, last = np.stack(outputs, axis=1), outputs[-1]
    if zero_output and unroll:
        # Keras zeroes unrolled outputs at the end: the sequence, which stands in the order of reading, by the mask in the
        # order of the input (so a backward layer's zeros stand at the wrong steps); the last output by the last mask read.
        shaped = np.asarray(mask).astype(bool).reshape(x.shape[:2] + (1,) * (sequence.ndim - 2))
        sequence = np.where(shaped, sequence, 0)
        last = np.where(shaped[:, order[-1]], last, 0)
    reading = Reading(sequence=sequence, last=last, states=[s for own in states for s in own])
    for i, cell in enumerate(cells):
        prefix = f'cells/{i}/' if stacked else ''
        for name in per_step[i][0]:
            reading.tensors[prefix + name] = np.stack([per_step[i][t][name] for t in range(steps)], axis=1)
        for name, value in zip(cell.state_names, states[i]):
            reading.tensors[f'{prefix}final/{name}'] = value
    return reading


def returned(reading, config):
    """What the layer returns, as a flat list: output, then the states where return_state asks for them."""
    output = reading.sequence if config.get('return_sequences') else reading.last
    return [output, *(reading.states if config.get('return_state') else [])]


def merged(forward, backward, config):
    """What a Bidirectional layer returns, from the lists its two layers return; `config` is the forward layer's with merge_mode."""
    (y, *states), (y_rev, *states_rev) = forward, backward
    if config.get('return_sequences'):
        y_rev = y_rev[:, ::-1]
    mode = config['merge_mode']
    if mode is None:
        return [y, y_rev, *states, *states_rev]
    join = {'concat': lambda: np.concatenate([y, y_rev], axis=-1), 'sum': lambda: y + y_rev, 'mul': lambda: y * y_rev,
            'ave': lambda: (y + y_rev) / 2}
    return [join[mode](), *states, *states_rev]
