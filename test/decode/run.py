"""Runs decode.py of each folder that standard input lists, as `python decode.py weights.json inputs.json` would; prints what they print as one list."""
import contextlib
import io
import json
import runpy
import sys

results = []
for folder in json.load(sys.stdin):
    sys.argv = [f'{folder}/decode.py', f'{folder}/weights.json', f'{folder}/inputs.json']
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        runpy.run_path(sys.argv[0], run_name='__main__')
    results.append(json.loads(out.getvalue()))
print(json.dumps(results))
