"""Writes the HDF5 files of this folder, which the library of the tests cannot write: numbers in another file.

    python make.py      (needs h5py and numpy)
"""
import json
import os

import h5py
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
config = {'class_name': 'Sequential', 'config': {'name': 'model', 'layers': [
    {'class_name': 'InputLayer', 'config': {'name': 'x', 'batch_input_shape': [None, 4, 2], 'dtype': 'float32'}},
    {'class_name': 'LSTM', 'config': {'name': 'lstm', 'units': 3}}]}}


def write(name, put):
    with h5py.File(os.path.join(here, name), 'w', libver='latest') as file:
        file.attrs['model_config'] = json.dumps(config)
        file.attrs['keras_version'] = '2.15.0'
        group = file.create_group('model_weights')
        group.attrs['layer_names'] = ['lstm']
        layer = group.create_group('lstm')
        layer.attrs['weight_names'] = ['kernel:0', 'recurrent_kernel:0', 'bias:0']
        layer['recurrent_kernel:0'] = np.ones((3, 12), np.float32)
        layer['bias:0'] = np.ones(12, np.float32)
        put(layer)


def external(file, offset=0):
    return lambda layer: layer.create_dataset('kernel:0', (2, 12), np.float32, external=[(file, offset, 96)])


def virtual(layer):
    layout = h5py.VirtualLayout((2, 12), np.float32)
    layout[:] = h5py.VirtualSource('canary.h5', 'numbers', (2, 12))
    layer.create_virtual_dataset('kernel:0', layout)


write('external-storage.h5', external('canary.bin'))
write('external-absolute.h5', external('/etc/passwd'))
write('external-device.h5', external('/dev/urandom'))
write('virtual.h5', virtual)
