"""What only Keras 2 has: time_major, and CuDNN layers, whose .h5 files Keras 2.15 turns into LSTM and GRU."""
from framework import add, branches, case


@case('time-major', majors=(2,), notes='inputs and outputs [step, batch, ...]')
def time_major(k):
    layers = k.layers
    x = k.Input((3, 2), name='x')  # [step, batch 3, feature]: the first axis is what Keras calls the batch
    made = {}
    for kind in ('LSTM', 'GRU', 'SimpleRNN'):
        made[kind] = getattr(layers, kind)(2, time_major=True, return_sequences=True, go_backwards=kind == 'GRU', name=kind.lower())(x)
    made['bi'] = layers.Bidirectional(layers.GRU(2, time_major=True, return_sequences=True), name='bi')(x)
    return k.Model(x, branches(made)), {'x': k.normal(4, 3, 2)}


@case('batch-input-shape', majors=(2,), notes='the shape stands in the first layer')
def batch_input_shape(k):
    layers = k.layers
    return k.Sequential([layers.LSTM(3, return_sequences=True, input_shape=(5, 2), name='lstm'), layers.GRU(2, name='gru')])


def cudnn(kind, shell):
    def build(k):
        import tensorflow as tf
        old = getattr(tf.compat.v1.keras.layers, f'CuDNN{kind}')
        x = k.Input((5, 2), name='x')
        first = old(3, return_sequences=True, name='inner')
        y = k.layers.Bidirectional(first, name='bi')(x) if shell else first(x)
        return k.Model(x, k.layers.Dense(2, name='out')(old(2, go_backwards=not shell, name='last')(y))), {'x': k.normal(3, 5, 2)}
    return build


def load_cudnn(keras, path):
    """The model with LSTM and GRU in place of the CuDNN classes, which run on a GPU alone; Keras turns the weights on loading."""
    import h5py
    with h5py.File(path) as file:
        config = file.attrs['model_config']
    config = (config if isinstance(config, str) else config.decode()).replace('CuDNN', '')
    model = keras.models.model_from_json(config)
    model.load_weights(path)
    return model


for kind in ('LSTM', 'GRU'):
    for shell in (False, True):
        add(f'cudnn-{kind.lower()}' + ('-bidirectional' if shell else ''), cudnn(kind, shell), majors=(2,), formats=('h5',), load=load_cudnn,
            runs_before_saving=False, notes='no activations in the file: tanh and sigmoid; kernels stored the CuDNN way')
