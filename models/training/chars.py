"""models/chars: the next character of English prose from the forty before, by one LSTM. Keras 3.

The text is the King James Version, in the order of its books: the first 90 % (to Acts 21) trains, the next 5 % watches the learning
(the rate is the better of 0.004 and 0.01 there), the last 5 % (from Colossians 1 on) gives the score. Training asks for the next
character after every step of a window, which teaches forty times as much a window; the published model has the same weights and
answers after the last step only.
"""

import common
import keras
import numpy as np
import re
import subprocess

MAXLEN = 40
UNITS = 64
BATCH = 128
ROUNDS = 14


def read_text():
    """All verses in order, lower case, without their references, one space between words. Needs the Debian package bible-kjv."""
    verses = subprocess.run(['bible', '-f', 'gen1:1-rev22:21'], stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    lines = [line.split(' ', 1)[1] for line in verses.decode('ascii').splitlines()]
    return re.sub(r'\s+', ' ', ' '.join(lines)).lower().strip()


def build(size, return_sequences):
    return keras.Sequential([
        keras.Input((MAXLEN, size), name='characters'),
        keras.layers.LSTM(UNITS, return_sequences=return_sequences, name='lstm'),
        keras.layers.Dropout(0.2, name='dropout'),
        keras.layers.Dense(size, activation='softmax', name='dense')
    ])


def training_windows(ids, size, rng):
    """One pass over ids in windows at random places: inputs [batch, step, character] and the character after each step [batch, step].

    A quarter of the windows begin with all-zero steps, and one step in a hundred is zeroed: so that the model has met the padding of a
    short text and the characters it does not know.
    """
    eye = np.eye(size, dtype='float32')
    for _ in range(len(ids) // (MAXLEN * BATCH)):
        at = rng.integers(0, len(ids) - MAXLEN, BATCH)[:, None] + np.arange(MAXLEN + 1)
        inputs = eye[ids[at[:, :-1]]]
        padding = np.where(rng.random(BATCH) < 0.25, rng.integers(1, MAXLEN, BATCH), 0)
        inputs[np.arange(MAXLEN) < padding[:, None]] = 0
        inputs[rng.random(inputs.shape[:2]) < 0.01] = 0
        yield inputs, ids[at[:, 1:]]


def held_out(ids, size, every):
    """Full windows [batch, step, character] and the character after them, at every so-many-th place."""
    at = np.arange(MAXLEN, len(ids), every)
    return np.eye(size, dtype='float32')[ids[at[:, None] + np.arange(-MAXLEN, 0)]], at, ids[at]


def report(probabilities, truth):
    return {'bitsPerCharacter': round(float(-np.log2(probabilities[np.arange(len(truth)), truth]).mean()), 3),
            'accuracy': round(float((probabilities.argmax(1) == truth).mean()), 3)}


def main():
    common.start('3', 7)
    text = read_text()
    alphabet = sorted(set(text))
    size = len(alphabet)
    index = {character: i for i, character in enumerate(alphabet)}
    ids = np.array([index[character] for character in text], 'int64')
    cuts = [int(len(ids) * 0.90), int(len(ids) * 0.95)]
    train, watch, test = np.split(ids, cuts)

    twin = build(size, True)
    model = build(size, False)
    steps = len(train) // (MAXLEN * BATCH) * ROUNDS
    rate = keras.optimizers.schedules.CosineDecay(0.01, steps)
    twin.compile(keras.optimizers.Adam(rate, clipnorm=1.0), 'sparse_categorical_crossentropy')
    rng = np.random.default_rng(7)
    watched, _, watched_truth = held_out(watch, size, 37)
    for turn in range(ROUNDS):
        for inputs, targets in training_windows(train, size, rng):
            twin.train_on_batch(inputs, targets)
        model.set_weights(twin.get_weights())
        print('round', turn + 1, report(model.predict(watched, batch_size=512, verbose=0), watched_truth), flush=True)

    inputs, at, truth = held_out(test, size, 7)
    frequency = np.bincount(train, minlength=size) / len(train)
    scores = {'model': report(model.predict(inputs, batch_size=512, verbose=0), truth),
              'letter frequency': report(np.tile(frequency, (len(truth), 1)), truth)}
    table = frequency[None]
    for order in range(1, 6):  # counts after the last `order` characters, backed by the next shorter context (Witten and Bell, 1991)
        table = witten_bell(train, test, at, order, size, table)
        scores[f'counts after {order} characters'] = report(table, truth)
    for name, score in scores.items():
        print(f'{name:26}', score)

    samples = ['And God said, Let there be light: and th', 'In the beginning was the Wo']
    rules = {'alphabet': alphabet, 'encoding': 'one-hot', 'lowercase': True, 'unknown': None, 'pad': None, 'maxlen': MAXLEN}
    encoded = common.one_hot(samples, rules)
    for line, row in zip(samples, model.predict(encoded, verbose=0)):
        print(repr(line), [(alphabet[i], round(float(row[i]), 3)) for i in row.argsort()[:-4:-1]])
    card = {
        'description': 'The next character of English prose (King James Version) from the forty before.',
        'features': alphabet,
        'outputLabels': alphabet,
        'trainingMean': common.plain(frequency),
        'text': rules,
        'sample': {'inputs': {'text': samples}, 'raw': False},
        'score': {
            'metric': 'bits per character (less is better) and share of next characters guessed right',
            'split': f'the last 5 % of the text, every 7th character ({len(truth)}); trained on the first 90 %',
            'model': scores.pop('model'),
            'baseline': scores
        },
        'data': {
            'source': 'Debian package bible-kjv-text 4.38, /usr/lib/bible.data, read by `bible -f gen1:1-rev22:21` of bible-kjv 4.38',
            'license': 'public domain: the 1611 translation, copyright expired (the package says so)',
            'sha256': common.sha256(text.encode('ascii'))
        }
    }
    common.publish(model, 'chars', 'model.keras', card, encoded)


def witten_bell(train, test, at, order, size, shorter):
    """P(next | last `order` characters) [batch, character] at the places `at` of test, counted in train."""
    code = lambda ids, ends: sum(ids[ends - k - 1] * size ** k for k in range(order))
    ends = np.arange(order, len(train))
    contexts, row = np.unique(code(train, ends), return_inverse=True)
    counts = np.bincount(row * size + train[ends], minlength=len(contexts) * size).reshape(-1, size)
    asked = code(test, at)
    place = np.minimum(np.searchsorted(contexts, asked), len(contexts) - 1)
    seen = np.where((contexts[place] == asked)[:, None], counts[place], 0)
    kinds = (seen > 0).sum(1, keepdims=True)
    return (seen + kinds * shorter + (kinds == 0) * shorter) / (seen.sum(1, keepdims=True) + kinds + (kinds == 0))


if __name__ == '__main__':
    main()
