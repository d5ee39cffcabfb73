"""What the training scripts share: where things are, the scaler, one-hot text, and how a model and its statescope.json are written and
checked. Import it before keras: it chooses the processor and quiets TensorFlow.
"""

import hashlib
import json
import os
import pathlib

os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')  # one order of summation, so that a retrained model comes out the same

import keras
import numpy as np

MODELS = pathlib.Path(__file__).resolve().parent.parent
SEATTLE = MODELS.parent / 'node_modules' / 'vega-datasets' / 'data' / 'seattle-weather.csv'
TOLERANCE = 1e-5  # of `expected`, times max(1, |x|)


def start(keras_major, seed):
    """Fix the seeds; refuse another Keras than the one the model's file is meant to come from."""
    if not keras.__version__.startswith(keras_major + '.'):
        raise SystemExit(f'needs Keras {keras_major} (see the requirements beside this script), found {keras.__version__}')
    keras.utils.set_random_seed(seed)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def standard_scaler(rows):
    """Mean and deviation of each column of rows [day, feature]."""
    return {'kind': 'standard', 'mean': plain(rows.mean(0)), 'scale': plain(rows.std(0))}


def scale(rows, scaler):
    """(x - mean) / scale, in double precision, then float32: what the service does with "raw": true."""
    return ((rows - np.array(scaler['mean'])) / np.array(scaler['scale'])).astype('float32')


def one_hot(texts, text):
    """Texts as a model takes them, [batch, step, character], by the "text" block of a statescope.json (models/README.md has the rules)."""
    index = {character: i for i, character in enumerate(text['alphabet'])}
    out = np.zeros((len(texts), text['maxlen'], len(index)), 'float32')
    for row, line in zip(out, texts):
        line = (line.lower() if text['lowercase'] else line)[-text['maxlen']:]
        for step, character in enumerate(line, text['maxlen'] - len(line)):
            if character not in index and text.get('unknown', '') is None:
                continue
            row[step, index[character if character in index else text['unknown']]] = 1
        if text['pad'] is not None:
            row[:text['maxlen'] - len(line), index[text['pad']]] = 1
    return out


def plain(array):
    """Nested lists; a float32 becomes the shortest decimal that gives the same float32 back."""
    array = np.asarray(array, 'float32')
    return [plain(a) for a in array] if array.ndim else float(str(array[()]))


def dumps(value, indent=0):
    """JSON with one line for each innermost list, so that a diff of a matrix reads by rows."""
    inside = ' ' * (indent + 2)
    if isinstance(value, dict) and value:
        items = [f'{json.dumps(key)}: {dumps(item, indent + 2)}' for key, item in value.items()]
        return '{\n' + ',\n'.join(inside + item for item in items) + '\n' + ' ' * indent + '}'
    if isinstance(value, list) and any(isinstance(item, (list, dict)) for item in value):
        return '[\n' + ',\n'.join(inside + dumps(item, indent + 2) for item in value) + '\n' + ' ' * indent + ']'
    return json.dumps(value, ensure_ascii=False)


def publish(model, model_id, filename, card, expected_inputs):
    """Write models/<id>/<filename> without optimizer or loss, and its statescope.json with the outputs that this Keras gives for
    expected_inputs [batch, step, feature]; then open both again and compare. Raises when they disagree or the file is 1 MB or more.
    """
    folder = MODELS / model_id
    folder.mkdir(exist_ok=True)
    bare = model.__class__.from_config(model.get_config())  # never compiled: nothing but the architecture and its weights
    bare.set_weights(model.get_weights())
    bare.save(folder / filename)
    output = bare.layers[-1].name
    card['expected'] = {
        'inputs': plain(expected_inputs),
        'outputs': {output: plain(bare.predict(expected_inputs, verbose=0))},
        'tolerance': TOLERANCE
    }
    (folder / 'statescope.json').write_text(dumps(card) + '\n', encoding='utf-8')

    again = keras.models.load_model(folder / filename)
    written = json.loads((folder / 'statescope.json').read_text(encoding='utf-8'))['expected']
    given = again.predict(np.array(written['inputs'], 'float32'), verbose=0)
    worst = np.abs(given - np.array(written['outputs'][output])).max()
    size = (folder / filename).stat().st_size
    print(f'models/{model_id}/{filename}: {size} bytes; reloaded, worst difference from `expected` {worst:.1e}')
    if worst > 1e-6 or size >= 1_000_000:
        raise SystemExit('the file is not what was trained, or too large')
