"""models/weather: the next day's precipitation, temperatures and wind in Seattle from the seven days before, by one LSTM. Keras 2.15.

Trained on 2012 and 2013, the number of epochs chosen on 2014, trained again on 2012 to 2014, scored on 2015.
"""

import common
import csv
import keras
import numpy as np

FEATURES = ['precipitation', 'temp_max', 'temp_min', 'wind']
WINDOW = 7
UNITS = 32


def build():
    return keras.Sequential([
        keras.Input((WINDOW, len(FEATURES)), name='days'),
        keras.layers.LSTM(UNITS, return_sequences=False, name='lstm'),
        keras.layers.Dense(len(FEATURES), name='dense'),
        keras.layers.Activation('linear', name='activation')
    ])


def windows(rows, first, last):
    """inputs [day, step, feature] and targets [day, feature] for the target days first <= day < last; windows may reach back before."""
    days = range(max(first, WINDOW), last)
    return np.stack([rows[d - WINDOW:d] for d in days]), np.stack([rows[d] for d in days])


def fit(rows, last, epochs, validation=None):
    common.start('2.15', 3)
    model = build()
    model.compile(keras.optimizers.Adam(0.002), 'mse')
    stop = [keras.callbacks.EarlyStopping(patience=15)] if validation else []
    history = model.fit(*windows(rows, 0, last), batch_size=32, epochs=epochs, validation_data=validation, callbacks=stop, verbose=0)
    return model, history.history


def main():
    with open(common.SEATTLE, newline='') as file:
        table = list(csv.DictReader(file))
    rows = np.array([[float(day[name]) for name in FEATURES] for day in table])
    start = {year: next(i for i, day in enumerate(table) if day['date'].startswith(year)) for year in ('2014', '2015')}

    scaler = common.standard_scaler(rows[:start['2014']])
    scaled = common.scale(rows, scaler)
    _, history = fit(scaled, start['2014'], 200, windows(scaled, start['2014'], start['2015']))
    epochs = int(np.argmin(history['val_loss'])) + 1

    scaler = common.standard_scaler(rows[:start['2015']])
    scaled = common.scale(rows, scaler)
    model, _ = fit(scaled, start['2015'], epochs)

    # Scores in the file's own units, on the days of 2015.
    inputs, _ = windows(scaled, start['2015'], len(rows))
    raw, truth = windows(rows, start['2015'], len(rows))
    flat = lambda x: np.c_[x.reshape(len(x), -1), np.ones(len(x))]
    past, past_truth = windows(rows, 0, start['2015'])
    of_year = lambda i: np.datetime64(table[i]['date']).astype('datetime64[D]').astype(int) % 365.2425
    past_day = np.array([of_year(i) for i in range(start['2015'])])
    near = lambda i: np.abs((past_day - of_year(i) + 182.62) % 365.2425 - 182.62) <= 15
    forecasts = {
        'lstm': model.predict(inputs, verbose=0) * np.array(scaler['scale']) + np.array(scaler['mean']),
        'persistence': raw[:, -1],
        'climatology': np.stack([rows[:start['2015']][near(i)].mean(0) for i in range(start['2015'], len(rows))]),
        'linear regression': flat(raw) @ np.linalg.lstsq(flat(past), past_truth, rcond=None)[0]
    }
    rmse = {name: dict(zip(FEATURES, (round(float(e), 3) for e in np.sqrt(((f - truth) ** 2).mean(0))))) for name, f in forecasts.items()}
    print('epochs', epochs, 'test days', len(truth))
    for name, errors in rmse.items():
        skill = 1 - (((forecasts[name] - truth) / scaler['scale']) ** 2).mean() / (((forecasts['climatology'] - truth) / scaler['scale']) ** 2).mean()
        print(f'{name:18}', errors, f'skill against climatology {skill:.3f}')

    # Two weeks of the test year as a sample: one in July, one in December.
    ends = [next(i for i, day in enumerate(table) if day['date'] == date) for date in ('2015-07-20', '2015-12-08')]
    card = {
        'description': "The next day's weather in Seattle from the seven days before. Trained on 2012 to 2014.",
        'features': FEATURES,
        'outputLabels': FEATURES,
        'scaler': {'inputs': scaler, 'outputs': scaler},
        'trainingMean': common.plain(windows(scaled, 0, start['2015'])[0].mean((0, 1))),
        'sample': {'inputs': [rows[i - WINDOW:i].tolist() for i in ends], 'raw': True},
        'score': {
            'metric': "root mean squared error of the next day, in the data's units (mm, degrees Celsius, wind as given)",
            'split': f'every day of 2015 ({len(truth)} days); trained on 2012 to 2014, {epochs} epochs as chosen on 2014 by a first run on 2012 and 2013',
            'model': rmse['lstm'],
            'baseline': {name: rmse[name] for name in rmse if name != 'lstm'}
        },
        'data': {
            'source': 'npm package vega-datasets 3.2.1, data/seattle-weather.csv (NOAA National Climatic Data Center)',
            'license': 'U.S. Government work, public domain',
            'sha256': common.sha256(common.SEATTLE.read_bytes())
        }
    }
    common.publish(model, 'weather', 'model.h5', card, np.stack([scaled[i - WINDOW:i] for i in ends]))


if __name__ == '__main__':
    main()
