"""What is left of models/nextchar where the four blocks of its LSTM are cut as i, a, f, o in place of Keras' i, f, c, o, after some epochs of training, with a
sigmoid as its activation and with tanh. Keras 2.15. Prints the correlation of the predictions with the right ones on the last 15 % of the text.
"""

import nextchar
import numpy as np


def exchanged(array, units):
    """The blocks of the forget gate and of the candidate in each other's place, `[..., gate * unit]`."""
    i, f, c, o = np.split(array, [units, 2 * units, 3 * units], axis=-1)
    return np.concatenate([i, c, f, o], axis=-1)


def main():
    text = nextchar.read_text()
    alphabet = sorted(set(text))
    ids = np.array([alphabet.index(character) for character in text])
    train, test = np.split(ids, [int(len(ids) * 0.85)])
    inputs, _ = nextchar.windows(test, len(alphabet))
    for activation in ('sigmoid', 'tanh'):
        for epochs in (1, 5, 10):
            model, _ = nextchar.fit(train, len(alphabet), epochs, activation=activation)
            right = model.predict(inputs, batch_size=512, verbose=0)
            lstm = model.get_layer('lstm')
            lstm.set_weights([exchanged(array, nextchar.UNITS) for array in lstm.get_weights()])
            wrong = model.predict(inputs, batch_size=512, verbose=0)
            print(f'{activation:8} {epochs:2} epochs {np.corrcoef(right.ravel(), wrong.ravel())[0, 1]:.4f}', flush=True)


if __name__ == '__main__':
    main()
