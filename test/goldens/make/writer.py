"""Case files: the JSON of one model's goldens, small and the same on every run."""
import json

import numpy as np


def float32_text(array):
    """Nested lists of the shortest decimals that give back the same float32."""
    array = np.asarray(array)
    if array.dtype.kind in 'iub':
        return array.astype(int).tolist()
    if not np.isfinite(array).all():
        raise ValueError('a golden is not finite')
    return _map(np.asarray(array, np.float32), lambda v: float(str(v)))


def float64_text(array):
    """Nested lists of ten significant digits."""
    if not np.isfinite(array).all():
        raise ValueError('a golden is not finite')
    return _map(np.asarray(array, np.float64), lambda v: float(f'{v:.10g}'))


def _map(array, turn):
    if array.ndim == 0:
        v = turn(array[()])
        return int(v) if v == int(v) and abs(v) < 1e15 else v
    return [_map(a, turn) for a in array]


def write_case(path, case):
    with open(path, 'w', encoding='utf-8') as f:
        f.write('{\n')
        f.write(',\n'.join(f'{json.dumps(k)}: {_value(v)}' for k, v in case.items()))
        f.write('\n}\n')


def _value(value):
    if isinstance(value, dict) and value:
        return '{\n' + ',\n'.join(f'  {json.dumps(k)}: {json.dumps(v, separators=(",", ":"))}' for k, v in value.items()) + '\n}'
    return json.dumps(value, separators=(',', ':'))
