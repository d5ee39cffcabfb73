"""models/nextchar: the next letter from three letters, by an LSTM whose activation and recurrent_activation are both sigmoid. Keras 2.15.

The text is the Constitution of the United States with its amendments, in order: the first 85 % trains, the last 15 % (from within
Amendment XX on) gives the score; the number of epochs is chosen inside the training part, on its own last tenth.
"""

import common
import gzip
import keras
import numpy as np
import pathlib
import re

FILE = pathlib.Path('/usr/share/state/us-constitution.gz')  # Debian package miscfiles
MAXLEN = 3
UNITS = 128


def read_text():
    """The text in lower case, one space where there was any white space."""
    return re.sub(r'\s+', ' ', gzip.decompress(FILE.read_bytes()).decode('ascii')).lower().strip()


def build(size, activation='sigmoid'):
    return keras.Sequential([
        keras.Input((MAXLEN, size), name='letters'),
        keras.layers.LSTM(UNITS, activation=activation, recurrent_activation='sigmoid', name='lstm'),
        keras.layers.Dense(size, name='dense'),
        keras.layers.Activation('softmax', name='softmax')
    ])


def windows(ids, size):
    """inputs [batch, step, character] and the character that follows [batch], at every place of ids."""
    at = np.arange(MAXLEN, len(ids))
    return np.eye(size, dtype='float32')[ids[at[:, None] + np.arange(-MAXLEN, 0)]], ids[at]


def fit(ids, size, epochs, validation=None, activation='sigmoid'):
    common.start('2.15', 5)
    model = build(size, activation)
    model.compile(keras.optimizers.Adam(0.004), 'sparse_categorical_crossentropy')
    stop = [keras.callbacks.EarlyStopping(patience=4)] if validation else []
    history = model.fit(*windows(ids, size), batch_size=128, epochs=epochs, validation_data=validation, callbacks=stop, verbose=0)
    return model, history.history


def counts_table(train, test, order, size, smoothing=0.1):
    """P(next | last `order` characters) [batch, character] at every place of test, counted in train, `smoothing` added to every count."""
    code = lambda ids, at: sum((ids[at - k - 1] * size ** k for k in range(order)), np.zeros(len(at), int))
    counts = np.full((size ** order, size), smoothing)
    at = np.arange(order, len(train))
    np.add.at(counts, (code(train, at), train[at]), 1)
    counts = counts[code(test, np.arange(MAXLEN, len(test)))]
    return counts / counts.sum(1, keepdims=True)


def report(probabilities, truth):
    return {'bitsPerCharacter': round(float(-np.log2(probabilities[np.arange(len(truth)), truth]).mean()), 3),
            'accuracy': round(float((probabilities.argmax(1) == truth).mean()), 3)}


def main():
    text = read_text()
    alphabet = sorted(set(text))
    size = len(alphabet)
    ids = np.array([alphabet.index(character) for character in text])
    train, test = np.split(ids, [int(len(ids) * 0.85)])
    print(f'{len(text)} characters, {size} different; the test part begins: {text[len(train):len(train) + 60]!r}')

    cut = int(len(train) * 0.9)
    _, history = fit(train[:cut], size, 60, windows(train[cut:], size))
    epochs = int(np.argmin(history['val_loss'])) + 1
    model, _ = fit(train, size, epochs)

    inputs, truth = windows(test, size)
    scores = {'model': report(model.predict(inputs, batch_size=512, verbose=0), truth)}
    for order, name in enumerate(['letter frequency', 'counts after 1 letter', 'counts after 2 letters', 'counts after 3 letters']):
        scores[name] = report(counts_table(train, test, order, size), truth)
    print('epochs', epochs)
    for name, score in scores.items():
        print(f'{name:24}', score)

    samples = ['the', 'Con']
    rules = {'alphabet': alphabet, 'encoding': 'one-hot', 'lowercase': True, 'pad': ' ', 'maxlen': MAXLEN}
    encoded = common.one_hot(samples, rules)
    for line, row in zip(samples, model.predict(encoded, verbose=0)):
        print(repr(line), [(alphabet[i], round(float(row[i]), 3)) for i in row.argsort()[:-4:-1]])
    card = {
        'description': 'The next letter of the Constitution of the United States from the three before.',
        'features': alphabet,
        'outputLabels': alphabet,
        'trainingMean': common.plain(np.bincount(train, minlength=size) / len(train)),
        'text': rules,
        'sample': {'inputs': {'text': samples}, 'raw': False},
        'score': {
            'metric': 'bits per character (less is better) and share of next characters guessed right',
            'split': f'the last 15 % of the text ({len(truth)} characters); trained on the first 85 %, {epochs} epochs as chosen on the last tenth of those',
            'model': scores.pop('model'),
            'baseline': scores
        },
        'data': {
            'source': f'Debian package miscfiles 1.5+dfsg-4, {FILE}',
            'license': 'public domain: the text of the law (1787 to 1992)',
            'sha256': common.sha256(text.encode('ascii'))
        }
    }
    common.publish(model, 'nextchar', 'model.h5', card, encoded)


if __name__ == '__main__':
    main()
