"""Keras' activations in float64, by name, for Keras 2.15 and Keras 3: written from their definitions, not from their code."""
import math

import numpy as np

_erf = np.vectorize(math.erf, otypes=[float])


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(x):
    d = x - x.max(axis=-1, keepdims=True)
    return d - np.log(np.exp(d).sum(axis=-1, keepdims=True))


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def selu(x):
    """Klambauer et al. 2017: scale 1.0507..., alpha 1.67326..."""
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


def sparsemax(x):
    """As Keras 3.15 has it: the threshold takes the sum of all cumulative sums of the support, where Martins and Astudillo
    (2016), and a projection onto the simplex, take the last of them only."""
    z = -np.sort(-x, axis=-1)
    k = np.arange(1, x.shape[-1] + 1)
    sums = np.cumsum(z, axis=-1)
    support = 1 + k * z > sums
    threshold = ((sums * support).sum(axis=-1, keepdims=True) - 1) / support.sum(axis=-1, keepdims=True)
    return np.maximum(x - threshold, 0)


def relu6(x):
    return np.clip(x, 0, 6)


BOTH = {
    'linear': lambda x: x,
    'tanh': np.tanh,
    'sigmoid': sigmoid,
    'relu': lambda x: np.maximum(x, 0),
    'relu6': relu6,
    'elu': elu,
    'selu': selu,
    'softplus': softplus,
    'softsign': lambda x: x / (1 + np.abs(x)),
    'swish': lambda x: x * sigmoid(x),
    'silu': lambda x: x * sigmoid(x),
    'gelu': lambda x: 0.5 * x * (1 + _erf(x / math.sqrt(2))),
    'mish': lambda x: x * np.tanh(softplus(x)),
    'exponential': np.exp,
    'softmax': softmax,
    'log_softmax': log_softmax,
    'leaky_relu': lambda x: np.where(x > 0, x, 0.2 * x),
}
BY_MAJOR = {
    2: {
        'hard_sigmoid': lambda x: np.clip(0.2 * x + 0.5, 0, 1),
        'log_softmax_v2': log_softmax,  # the name Keras 2.15 writes into its files for log_softmax
    },
    3: {
        'hard_sigmoid': lambda x: relu6(x + 3) / 6,
        'hard_silu': lambda x: x * relu6(x + 3) / 6,
        'hard_swish': lambda x: x * relu6(x + 3) / 6,
        'celu': elu,
        'hard_shrink': lambda x: np.where(np.abs(x) > 0.5, x, 0),
        'soft_shrink': lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
        'hard_tanh': lambda x: np.clip(x, -1, 1),
        'log_sigmoid': lambda x: -softplus(-x),
        'sparse_plus': lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
        'sparse_sigmoid': lambda x: np.clip((x + 1) / 2, 0, 1),
        'sparsemax': sparsemax,
        'squareplus': lambda x: (x + np.sqrt(x * x + 4)) / 2,
        'tanh_shrink': lambda x: x - np.tanh(x),
    },
}


def activation(name, major):
    """The function a config names; None is linear."""
    if name is None:
        return BOTH['linear']
    if isinstance(name, dict):
        name = name['config'] if isinstance(name['config'], str) else name['class_name']
    return {**BOTH, **BY_MAJOR[major]}[name]
