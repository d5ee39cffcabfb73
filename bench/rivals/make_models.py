"""The models of the benchmarks, with random weights: speed does not depend on them."""
from pathlib import Path

import tensorflow as tf

keras = tf.keras
here = Path(__file__).parent / 'models'
here.mkdir(exist_ok=True)
keras.utils.set_random_seed(1)


def save(name, *layers):
    keras.Sequential([keras.Input((None, 60), name='x'), *layers]).save(here / f'{name}.h5', include_optimizer=False)


save('lstm', keras.layers.LSTM(128, return_sequences=True, name='lstm'), keras.layers.Dense(10, name='dense'))
save('gru', keras.layers.GRU(128, return_sequences=True, name='gru'), keras.layers.Dense(10, name='dense'))
save('bi', keras.layers.Bidirectional(keras.layers.LSTM(128, return_sequences=True), name='bi'), keras.layers.Dense(10, name='dense'))
