"""The unmodified tritonclient against a running service: python triton.py HOST:PORT CASE.json MODEL

Prints what came of its checks (checks.py).
"""
import asyncio
import json
import sys
import urllib.request

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

from checks import check, report

ADDRESS, CASE, MODEL = sys.argv[1:]
with open(CASE) as file:
    case = json.load(file)
IDS = np.array(case['inputs']['ids'], dtype=np.int64)
OUTPUT = case['output_names'][0]
PREDICTED = np.array(case['predict'][0])
CLOSE = {'rtol': 0, 'atol': case['atol']}

client = triton.InferenceServerClient(ADDRESS, network_timeout=60)

def ids(array=IDS, datatype=None, binary=True, kind=triton, name='ids'):
    datatypes = {np.dtype(np.int64): 'INT64', np.dtype(np.int32): 'INT32', np.dtype(np.float64): 'FP64', np.dtype(np.float32): 'FP32', np.dtype(np.float16): 'FP16'}
    given = kind.InferInput(name, list(array.shape), datatype or datatypes[array.dtype])
    return given.set_data_from_numpy(array, binary_data=binary)


def wanted(*names, binary=True, kind=triton):
    return [kind.InferRequestedOutput(name, binary_data=binary) for name in names]


def ask(path, body):
    request = urllib.request.Request(f'http://{ADDRESS}{path}', json.dumps(body).encode(), {'content-type': 'application/json'})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def refused(words, call):
    try:
        call()
    except InferenceServerException as error:
        assert words in error.message(), f'{words!r} is not in {error.message()!r}'
        return error.status()
    raise AssertionError(f'nothing was refused; expected {words!r}')


@check
def server():
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, '1')
    assert not client.is_model_ready('nobody')
    assert not client.is_model_ready(MODEL, '2')
    metadata = client.get_server_metadata()
    assert metadata['name'] == 'statescope'
    assert {'binary_tensor_data', 'model_repository', 'statistics'} <= set(metadata['extensions'])


@check
def model_metadata():
    metadata = client.get_model_metadata(MODEL)
    assert metadata == client.get_model_metadata(MODEL, '1')
    assert metadata['name'] == MODEL and metadata['versions'] == ['1']
    assert metadata['inputs'] == [{'name': 'ids', 'datatype': 'INT64', 'shape': [-1, IDS.shape[1]]}], metadata['inputs']
    names = [output['name'] for output in metadata['outputs']]
    assert names[0] == OUTPUT
    assert set(case['expect']) <= set(names), set(case['expect']) - set(names)
    shapes = {output['name']: output['shape'] for output in metadata['outputs']}
    for name, values in case['expect'].items():
        shape = np.shape(values)
        assert len(shapes[name]) == len(shape) and all(a in (-1, b) for a, b in zip(shapes[name], shape)), (name, shapes[name], shape)


@check
def model_config():
    config = client.get_model_config(MODEL)
    assert config['max_batch_size'] == 0
    assert config['input'] == [{'name': 'ids', 'data_type': 'TYPE_INT64', 'dims': [-1, IDS.shape[1]]}]
    assert config['output'][0] == {'name': OUTPUT, 'data_type': 'TYPE_FP32', 'dims': [-1, PREDICTED.shape[1]]}


@check
def prediction_in_bytes_and_in_json():
    plain = client.infer(MODEL, [ids()], request_id='mine')
    response = plain.get_response()
    assert response['id'] == 'mine' and response['model_name'] == MODEL and response['model_version'] == '1'
    assert [output['name'] for output in response['outputs']] == [OUTPUT], 'a plain request gives the model outputs alone'
    np.testing.assert_allclose(plain.as_numpy(OUTPUT), PREDICTED, **CLOSE)
    in_json = client.infer(MODEL, [ids(binary=False)], model_version='1', outputs=wanted(OUTPUT, binary=False))
    assert in_json.get_output(OUTPUT)['data']
    np.testing.assert_array_equal(in_json.as_numpy(OUTPUT), plain.as_numpy(OUTPUT))
    for array in (IDS.astype(np.int32), IDS.astype(np.float64), IDS.astype(np.float32), IDS.astype(np.float16)):
        for binary in (True, False):
            np.testing.assert_array_equal(client.infer(MODEL, [ids(array, binary=binary)]).as_numpy(OUTPUT), plain.as_numpy(OUTPUT))


@check
def internals_are_outputs():
    asked = ask('/hidden-states', {'model': MODEL, 'inputs': IDS.tolist(), 'tensors': ['hidden', 'cell', 'gates', 'final', 'output']})
    for binary in (True, False):
        answer = client.infer(MODEL, [ids()], outputs=wanted(*case['expect'], OUTPUT, 'first/mask', binary=binary))
        for name, expected in case['expect'].items():
            got = answer.as_numpy(name)
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, np.array(expected), err_msg=name, **CLOSE)
            there = asked['layers']
            for part in name.split('/'):
                there = there[part]
            np.testing.assert_allclose(got, np.array(there, dtype=np.float32), rtol=0, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(answer.as_numpy(OUTPUT), PREDICTED, **CLOSE)
        mask = answer.as_numpy('first/mask')
        assert mask.dtype == bool
        np.testing.assert_array_equal(mask, np.array(case['mask']['first'], dtype=bool))


@check
def compressed_requests():
    expected = client.infer(MODEL, [ids()]).as_numpy(OUTPUT)
    for algorithm in ('gzip', 'deflate'):
        for binary in (True, False):
            got = client.infer(MODEL, [ids(binary=binary)], request_compression_algorithm=algorithm, response_compression_algorithm=algorithm)
            np.testing.assert_array_equal(got.as_numpy(OUTPUT), expected)
            # Long enough to be compressed on its way back.
            got = client.infer(MODEL, [ids()], outputs=wanted(*case['expect'], binary=binary), response_compression_algorithm=algorithm)
            for name, values in case['expect'].items():
                np.testing.assert_allclose(got.as_numpy(name), np.array(values), **CLOSE)


@check
def many_at_once():
    with triton.InferenceServerClient(ADDRESS, concurrency=4, network_timeout=60) as crowd:
        waiting = [crowd.async_infer(MODEL, [ids(IDS[n % len(IDS)][None])]) for n in range(12)]
        for n, answer in enumerate(waiting):
            np.testing.assert_allclose(answer.get_result().as_numpy(OUTPUT)[0], PREDICTED[n % len(IDS)], **CLOSE)


@check
def statistics():
    before = client.get_inference_statistics(MODEL)['model_stats'][0]
    client.infer(MODEL, [ids()])
    refused('[batch, 6], got [4, 3]', lambda: client.infer(MODEL, [ids(IDS[:, :3])]))
    after = client.get_inference_statistics(MODEL, '1')['model_stats'][0]
    assert after['name'] == MODEL and after['version'] == '1'
    assert after['inference_count'] - before['inference_count'] == len(IDS)
    assert after['execution_count'] - before['execution_count'] == 1
    for kind in ('success', 'fail'):
        assert after['inference_stats'][kind]['count'] - before['inference_stats'][kind]['count'] == 1, kind
        assert after['inference_stats'][kind]['ns'] > before['inference_stats'][kind]['ns'], kind
    assert MODEL in [each['name'] for each in client.get_inference_statistics()['model_stats']]


@check
def repository():
    index = {(model['name'], model['version']): model for model in client.get_model_repository_index()}
    assert index[MODEL, '1'] == {'name': MODEL, 'version': '1', 'state': 'READY', 'reason': ''}
    assert index['broken', '1']['state'] == 'UNAVAILABLE' and index['broken', '1']['reason']
    for call in (client.load_model, client.unload_model):
        assert refused('ADMIN_TOKEN', lambda: call(MODEL)) == '403'
    assert client.is_model_ready(MODEL)


@check
def refusals():
    assert refused('no model "nobody"', lambda: client.infer('nobody', [ids()])) == '404'
    assert refused('has no version 7', lambda: client.get_model_metadata(MODEL, '7')) == '404'
    assert refused('[batch, 6], got [4, 3]', lambda: client.infer(MODEL, [ids(IDS[:, :3])])) == '422'
    assert refused('an id from 0 to', lambda: client.infer(MODEL, [ids(IDS + 1000)])) == '422'
    assert refused('(/inputs/0/name)', lambda: client.infer(MODEL, [ids(name='x')])) == '422'
    refused('layer "first" gives', lambda: client.infer(MODEL, [ids()], outputs=wanted('first/hiden')))
    refused('survives a request', lambda: client.infer(MODEL, [ids()], sequence_id=4, sequence_start=True))
    texts = np.array([['a'] * IDS.shape[1]], dtype=np.object_)
    refused('one of BOOL', lambda: client.infer(MODEL, [ids(texts, 'BYTES')]))
    bad = IDS.astype(np.float32)
    bad[0, 0] = np.nan
    refused('NaN', lambda: client.infer(MODEL, [ids(bad)]))
    assert refused('"NaN" at line 1', lambda: client.infer(MODEL, [ids(bad, binary=False)])) == '400'


@check
def asynchronous_client():
    async def talk():
        async with triton_aio.InferenceServerClient(ADDRESS) as aio:
            assert await aio.is_server_live() and await aio.is_server_ready() and await aio.is_model_ready(MODEL)
            assert await aio.get_model_metadata(MODEL) == client.get_model_metadata(MODEL)
            assert await aio.get_model_config(MODEL) == client.get_model_config(MODEL)
            assert await aio.get_model_repository_index() == client.get_model_repository_index()
            assert (await aio.get_inference_statistics(MODEL))['model_stats'][0]['name'] == MODEL
            for binary in (True, False):
                for algorithm in (None, 'gzip', 'deflate'):
                    answer = await aio.infer(MODEL, [ids(binary=binary, kind=triton_aio)], outputs=wanted(OUTPUT, 'second/hidden', 'first/hidden', binary=binary, kind=triton_aio),
                                             request_compression_algorithm=algorithm, response_compression_algorithm=algorithm)
                    np.testing.assert_allclose(answer.as_numpy(OUTPUT), PREDICTED, **CLOSE)
                    np.testing.assert_allclose(answer.as_numpy('second/hidden'), np.array(case['expect']['second/hidden']), **CLOSE)
            answers = await asyncio.gather(*(aio.infer(MODEL, [ids(IDS[n % len(IDS)][None], kind=triton_aio)]) for n in range(12)))
            for n, answer in enumerate(answers):
                np.testing.assert_allclose(answer.as_numpy(OUTPUT)[0], PREDICTED[n % len(IDS)], **CLOSE)
            try:
                await aio.infer(MODEL, [ids(IDS[:, :3], kind=triton_aio)])
            except InferenceServerException as error:
                assert error.message().startswith('Expected [batch, 6]'), error.message()
            else:
                raise AssertionError('a wrong shape was taken')
    asyncio.run(talk())


report()
