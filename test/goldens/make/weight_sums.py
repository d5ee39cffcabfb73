"""Sums over every weight of model files, as the Keras that runs this reads them: python weight_sums.py FILE ... > sums.json."""
import json
import os
import sys

os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import numpy as np
import keras


def sums(value):
    """Shape, sum, and the sum weighted by place: a transposed or shifted array changes the last."""
    flat = np.asarray(value, np.float64).reshape(-1)
    return [list(np.shape(value)), float(f'{flat.sum():.9g}'), float(f'{(flat * np.arange(1, flat.size + 1)).sum():.9g}')]


if __name__ == '__main__':
    found = {}
    for path in sys.argv[1:]:
        try:
            model = keras.models.load_model(path, compile=False)
        except (TypeError, ValueError) as error:
            print(f'{path}: this Keras cannot load it: {str(error)[:200]}', file=sys.stderr)
            continue
        found[os.path.basename(path)] = [sums(value) for value in model.get_weights()]
    print('{\n' + ',\n'.join(f'{json.dumps(k)}: {json.dumps(v, separators=(",", ":"))}' for k, v in found.items()) + '\n}')
