"""models/weather-kind: what kind of day follows ten days of Seattle weather (drizzle, fog, rain, snow or sun), by a bidirectional LSTM
under a GRU. Keras 3.

Trained on 2012 and 2013, the number of epochs chosen on 2014, trained again on 2012 to 2014, scored on 2015. The kind of the day
itself is only known from the days before: its own measurements are not among the inputs.
"""

import common
import csv
import keras
import numpy as np

KINDS = ['drizzle', 'fog', 'rain', 'snow', 'sun']
MEASURED = ['precipitation', 'temp_max', 'temp_min', 'wind']
FEATURES = MEASURED + KINDS  # the kinds of the days before as 0 or 1
WINDOW = 10


def build():
    return keras.Sequential([
        keras.Input((WINDOW, len(FEATURES)), name='days'),
        keras.layers.Bidirectional(keras.layers.LSTM(16, return_sequences=True, name='lstm'), name='bi'),
        keras.layers.Dropout(0.3, name='dropout'),
        keras.layers.GRU(16, name='gru'),
        keras.layers.Dense(len(KINDS), activation='softmax', name='kind')
    ])


def windows(rows, kinds, first, last):
    """inputs [day, step, feature] and kinds [day] for the target days first <= day < last; windows may reach back before."""
    days = range(max(first, WINDOW), last)
    return np.stack([rows[d - WINDOW:d] for d in days]), kinds[days.start:last]


def fit(rows, kinds, last, epochs, validation=None):
    common.start('3', 11)
    model = build()
    model.compile(keras.optimizers.Adam(0.001), 'sparse_categorical_crossentropy')
    stop = [keras.callbacks.EarlyStopping(patience=15)] if validation else []
    history = model.fit(*windows(rows, kinds, 0, last), batch_size=32, epochs=epochs, validation_data=validation, callbacks=stop, verbose=0)
    return model, history.history


def fit_scaler(rows):
    """Measurements to mean 0 and deviation 1; the 0 or 1 of a kind stays as it is."""
    scaler = common.standard_scaler(rows)
    for i in range(len(MEASURED), len(FEATURES)):
        scaler['mean'][i], scaler['scale'][i] = 0.0, 1.0
    return scaler


def report(probabilities, truth):
    """Share of days right, the mean over the kinds of that share, and bits per day."""
    right = probabilities.argmax(1) == truth
    return {'accuracy': round(float(right.mean()), 3),
            'balancedAccuracy': round(float(np.mean([right[truth == k].mean() for k in np.unique(truth)])), 3),
            'bitsPerDay': round(float(-np.log2(probabilities[np.arange(len(truth)), truth]).mean()), 3)}


def main():
    with open(common.SEATTLE, newline='') as file:
        table = list(csv.DictReader(file))
    kinds = np.array([KINDS.index(day['weather']) for day in table])
    rows = np.c_[np.array([[float(day[name]) for name in MEASURED] for day in table]), np.eye(len(KINDS))[kinds]]
    start = {year: next(i for i, day in enumerate(table) if day['date'].startswith(year)) for year in ('2014', '2015')}
    first = start['2015']

    scaled = common.scale(rows, fit_scaler(rows[:start['2014']]))
    _, history = fit(scaled, kinds, start['2014'], 150, windows(scaled, kinds, start['2014'], first))
    epochs = int(np.argmin(history['val_loss'])) + 1

    scaler = fit_scaler(rows[:first])
    scaled = common.scale(rows, scaler)
    model, _ = fit(scaled, kinds, first, epochs)

    inputs, truth = windows(scaled, kinds, first, len(rows))
    share = np.bincount(kinds[:first], minlength=len(KINDS)) / first
    follows = np.full((len(KINDS), len(KINDS)), 0.5)  # counts of (yesterday, today) in training, half a day added to each
    np.add.at(follows, (kinds[:first - 1], kinds[1:first]), 1)
    follows /= follows.sum(1, keepdims=True)
    yesterday = kinds[first - 1:-1]
    same = report(np.eye(len(KINDS))[yesterday] * 0.999 + 0.0002, truth)
    del same['bitsPerDay']  # it claims certainty: endlessly many bits
    scores = {
        'model': report(model.predict(inputs, verbose=0), truth),
        'most frequent kind': report(np.tile(share, (len(truth), 1)), truth),
        'same as yesterday': same,
        'counts after yesterday': report(follows[yesterday], truth)
    }
    print('epochs', epochs, 'test days', len(truth))
    for name, score in scores.items():
        print(f'{name:24}', score)
    guess = model.predict(inputs, verbose=0).argmax(1)
    print('rows: true kind, columns: guessed', KINDS, *(np.bincount(guess[truth == k], minlength=len(KINDS)) for k in range(len(KINDS))), sep='\n')

    ends = [next(i for i, day in enumerate(table) if day['date'] == date) for date in ('2015-07-20', '2015-12-08')]
    card = {
        'description': 'The kind of the next day in Seattle from the ten days before. Trained on 2012 to 2014.',
        'features': FEATURES,
        'outputLabels': KINDS,
        'scaler': {'inputs': scaler},
        'trainingMean': common.plain(windows(scaled, kinds, 0, first)[0].mean((0, 1))),
        'sample': {'inputs': [rows[i - WINDOW:i].tolist() for i in ends], 'raw': True},
        'score': {
            'metric': 'share of days right, its mean over the kinds, and bits per day (less is better)',
            'split': f'every day of 2015 ({len(truth)} days); trained on 2012 to 2014, {epochs} epochs as chosen on 2014 by a first run on 2012 and 2013',
            'model': scores.pop('model'),
            'baseline': scores
        },
        'data': {
            'source': 'npm package vega-datasets 3.2.1, data/seattle-weather.csv (NOAA National Climatic Data Center)',
            'license': 'U.S. Government work, public domain',
            'sha256': common.sha256(common.SEATTLE.read_bytes())
        }
    }
    common.publish(model, 'weather-kind', 'model.keras', card, np.stack([scaled[i - WINDOW:i] for i in ends]))


if __name__ == '__main__':
    main()
