"""Models converted by tensorflowjs_converter, plain and quantised: python converted.py [--out DIR], run by Keras 2.15 (see requirements.txt).

What the converter makes of a file is read back by the converter's own reader, and the predictions are Keras' with those numbers.
"""
import argparse
import os
from pathlib import Path
import shutil
import sys
import tempfile
import types

os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

# The converter imports two packages that only other kinds of models need.
sys.modules['tensorflow_decision_forests'] = types.ModuleType('tensorflow_decision_forests')
for name in ('jax', 'jax.experimental', 'jax.experimental.jax2tf'):
    sys.modules[name] = types.ModuleType(name)
sys.modules['jax.experimental'].jax2tf = sys.modules['jax.experimental.jax2tf']
for name in ('DType', 'PolyShape', 'Array'):
    setattr(sys.modules['jax.experimental.jax2tf'], name, object)

import keras
from tensorflowjs.converters import converter, keras_tfjs_loader

from make import answers, fill, names_of, nested, plain, record, wrapped

KINDS = {'': {}, '-uint8': {'quantization_dtype_map': {'uint8': True}}, '-uint16': {'quantization_dtype_map': {'uint16': True}},
         '-float16': {'quantization_dtype_map': {'float16': True}}, '-shards': {'split_weights_by_layer': True, 'weight_shard_size_bytes': 100}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--out', default=Path(__file__).resolve().parent.parent.parent, type=Path)
    out = parser.parse_args().out
    for build in (plain, wrapped, nested):
        keras.backend.clear_session()
        model, inputs = build()
        fill(model)
        names = names_of(model)
        with tempfile.TemporaryDirectory() as folder:
            model.save(f'{folder}/model.h5')
            model.save(f'{folder}/model.keras')
            for kind, options in KINDS.items() if build is nested else [('', {})]:
                id_ = f'old-{build.__name__}{kind}-tfjs'
                shutil.rmtree(out / 'models' / id_, ignore_errors=True)
                converter.dispatch_keras_h5_to_tfjs_layers_model_conversion(f'{folder}/model.h5', str(out / 'models' / id_), **options)
                values = keras_tfjs_loader.load_keras_model(str(out / 'models' / id_ / 'model.json')).get_weights()
                model.set_weights(values)
                record(out, id_, build, inputs, answers(model, inputs), names)
                print(id_)
            if build is wrapped:
                id_ = 'old-wrapped-archive-tfjs'
                shutil.rmtree(out / 'models' / id_, ignore_errors=True)
                converter.dispatch_keras_keras_to_tfjs_layers_model_conversion(f'{folder}/model.keras', str(out / 'models' / id_))
                record(out, id_, build, inputs, answers(model, inputs), names)
                print(id_)


if __name__ == '__main__':
    main()
