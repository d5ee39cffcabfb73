"""Arrays to a running service and back, by NumPy's and safetensors' own hands: python arrays.py URL CASES TWO_INPUTS MASKED

Prints what came of its checks (checks.py).
"""
import gzip
import io
import json
import sys
import tempfile
import urllib.error
import urllib.request

import numpy as np
import safetensors
import safetensors.numpy

from checks import check, report

URL, CASES, TWO, MASKED = sys.argv[1:]
NPZ, SAFETENSORS = 'application/x-npz', 'application/vnd.safetensors'
cases = {}
for name in (TWO, MASKED):
    with open(f'{CASES}/{name}.json') as file:
        cases[name] = json.load(file)
INPUTS = {name: np.array(values) for name, values in cases[TWO]['inputs'].items()}
IDS = np.array(cases[MASKED]['inputs']['ids'])


def ask(path, body=None, kind='application/json', accept='application/json', **headers):
    """The answer's bytes; `headers` with _ for -."""
    data = json.dumps(body).encode() if kind == 'application/json' and body is not None else body
    headers = {name.replace('_', '-'): value for name, value in headers.items()}
    request = urllib.request.Request(URL + path, data, {'Content-Type': kind, 'Accept': accept, **headers})
    with urllib.request.urlopen(request) as answer:
        data = answer.read()
        return gzip.decompress(data) if answer.headers['Content-Encoding'] == 'gzip' else data


def refused(path, body, kind):
    try:
        ask(path, body, kind)
    except urllib.error.HTTPError as error:
        return json.load(error)
    raise AssertionError('nothing was refused')


def savez(save=np.savez, *positional, **arrays):
    file = io.BytesIO()
    save(file, *positional, **arrays)
    return file.getvalue()


def bodies(arrays):
    """The same arrays in every way that they are written in."""
    yield NPZ, savez(**arrays)
    yield NPZ, savez(np.savez_compressed, **arrays)
    yield SAFETENSORS, safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def flat(answer):
    """Every array of a JSON answer by its path, and what it should be in a binary one."""
    found = {}

    def walk(path, value, boolean=False):
        if isinstance(value, dict):
            for key, member in value.items():
                walk(f'{path}/{key}' if path else key, member, key == 'mask')
        elif isinstance(value, list) and path.split('/')[-1] not in ('axes', 'stepIndices'):
            found[path] = np.array(value, dtype=bool if boolean else np.float32)
    walk('', answer['layers'])
    walk('outputs', answer.get('outputs', {}))
    return found


def same(found, expected):
    assert set(found) == set(expected), set(found) ^ set(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, (name, found[name].dtype)
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@check
def answers_open():
    for model, inputs in ((TWO, {name: array.tolist() for name, array in INPUTS.items()}), (MASKED, IDS.tolist())):
        body = {'model': model, 'inputs': inputs, 'outputs': True, 'tensors': ['hidden', 'cell', 'gates', 'final', 'output']}
        whole = json.loads(ask('/hidden-states', body))
        expected = flat(whole)
        for coding in ('identity', 'gzip'):
            archive = np.load(io.BytesIO(ask('/hidden-states', body, accept=NPZ, Accept_Encoding=coding)), allow_pickle=False)
            words = json.loads(archive['__metadata__'].tobytes())
            assert words['model'] == model and words['digest'] == whole['digest'] and words['batch'] == whole['batch'], words
            same({name: archive[name] for name in archive.files if name != '__metadata__'}, expected)
            data = ask('/hidden-states', body, accept=SAFETENSORS, Accept_Encoding=coding)
            same(safetensors.numpy.load(data), expected)
        with tempfile.NamedTemporaryFile(suffix='.safetensors') as file:
            file.write(data)
            file.flush()
            same(safetensors.numpy.load_file(file.name), expected)
            with safetensors.safe_open(file.name, framework='np') as opened:
                assert opened.metadata()['digest'] == whole['digest']
                same({name: opened.get_tensor(name) for name in opened.keys()}, expected)
        for name, values in cases[model]['expect'].items():
            np.testing.assert_allclose(expected[name], values, rtol=0, atol=cases[model]['atol'], err_msg=name)


@check
def weights_open():
    layers = json.loads(ask(f'/models/{MASKED}/weights'))['layers']
    expected = {f'{key}/{name}': np.array(weight['data'], dtype=np.float32) for key, layer in layers.items() for name, weight in layer['weights'].items()}
    archive = np.load(io.BytesIO(ask(f'/models/{MASKED}/weights', accept=NPZ)), allow_pickle=False)
    same({name: archive[name] for name in archive.files if name != '__metadata__'}, expected)
    same(safetensors.numpy.load(ask(f'/models/{MASKED}/weights', accept=SAFETENSORS)), expected)


@check
def arrays_go_in():
    case = cases[TWO]
    expected = json.loads(ask(f'/models/{TWO}/predict', {'inputs': {name: array.astype(np.float32).tolist() for name, array in INPUTS.items()}}))['outputs']
    np.testing.assert_allclose(expected[case['output_names'][0]], case['predict'][0], rtol=0, atol=case['atol'])
    wide = {name: array.astype(np.float32).astype(np.float64) for name, array in INPUTS.items()}
    for arrays in ({name: array.astype(np.float32) for name, array in INPUTS.items()}, wide, {name: np.asfortranarray(array) for name, array in wide.items()}):
        for kind, body in bodies(arrays):
            assert json.loads(ask(f'/models/{TWO}/predict', body, kind))['outputs'] == expected, kind
            assert json.loads(ask(f'/models/{TWO}/predict', gzip.compress(body), kind, Content_Encoding='gzip'))['outputs'] == expected, kind
    half = {name: array.astype(np.float16) for name, array in INPUTS.items()}
    expected = json.loads(ask(f'/models/{TWO}/predict', {'inputs': {name: array.astype(np.float64).tolist() for name, array in half.items()}}))['outputs']
    for kind, body in bodies(half):
        assert json.loads(ask(f'/models/{TWO}/predict', body, kind))['outputs'] == expected, kind


@check
def ids_go_in():
    expected = json.loads(ask(f'/models/{MASKED}/predict', {'inputs': IDS.tolist()}))['outputs']
    for kind in (np.int64, np.int32, np.int16, np.int8, np.uint8, np.uint16, np.uint32, np.uint64, np.float16, np.float32, np.float64):
        for content, body in bodies({'x': IDS.astype(kind)}):
            assert json.loads(ask(f'/models/{MASKED}/predict', body, content))['outputs'] == expected, (kind, content)
    assert json.loads(ask(f'/models/{MASKED}/predict', savez(np.savez, IDS), NPZ))['outputs'] == expected, 'arr_0'
    assert json.loads(ask(f'/models/{MASKED}/predict', savez(np.savez, np.asfortranarray(IDS)), NPZ))['outputs'] == expected, 'Fortran order'


@check
def states_go_round():
    answer = safetensors.numpy.load(ask(f'/models/{MASKED}/hidden-states', savez(np.savez, IDS), NPZ, accept=SAFETENSORS))
    states = {name: array for name, array in answer.items() if '/final/' in name}
    nested = {}
    for name, array in states.items():
        layer, _, state = name.split('/')
        nested.setdefault(layer, {})[state] = array.astype(np.float64).tolist()
    expected = json.loads(ask(f'/models/{MASKED}/predict', {'inputs': IDS.tolist(), 'initialState': nested}))['outputs']
    assert expected != json.loads(ask(f'/models/{MASKED}/predict', {'inputs': IDS.tolist()}))['outputs']
    for kind, body in bodies({'ids': IDS, **{f'initialState/{name}': array for name, array in states.items()}}):
        assert json.loads(ask(f'/models/{MASKED}/predict', body, kind))['outputs'] == expected, kind


@check
def all_binary():
    for kind, body in bodies({name: array.astype(np.float32) for name, array in INPUTS.items()}):
        path = f'/models/{TWO}/hidden-states?outputs=true&steps=last'
        expected = flat(json.loads(ask(path, body, kind)))
        same(safetensors.numpy.load(ask(path, body, kind, accept=SAFETENSORS)), expected)


@check
def refusals():
    arrays = {name: array.astype(np.float32) for name, array in INPUTS.items()}
    first = next(iter(arrays))
    bad = {**arrays, first: arrays[first].copy()}
    bad[first].flat[1] = np.nan
    for kind, body in bodies(bad):
        problem = refused(f'/models/{TWO}/predict', body, kind)
        assert problem['code'] == 'invalid_value' and problem['pointer'] == f'/inputs/{first}/0/1/0', problem
    for array, words in ((arrays[first].astype('>f4'), 'big-endian'), (arrays[first].astype(np.complex64), 'expected numbers'), (arrays[first].astype(object), 'expected numbers'),
                         (arrays[first].astype(str), 'expected numbers'), (np.zeros(3, [('a', '<f4'), ('b', '<i4')]), 'expected numbers')):
        problem = refused(f'/models/{TWO}/predict', savez(**{**arrays, first: array}), NPZ)
        assert problem['pointer'] == f'/inputs/{first}' and words in problem['detail'], problem
    file = io.BytesIO()
    np.save(file, IDS)
    assert 'numpy.savez' in refused(f'/models/{MASKED}/predict', file.getvalue(), NPZ)['detail']
    assert refused('/predict', savez(**arrays), NPZ)['status'] == 415


report()
