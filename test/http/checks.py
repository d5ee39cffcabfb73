"""What the Python programs of these tests share: `@check` marks one, `report()` runs them all.

It prints a JSON list of {"name", "error"}, one a check; error is null where it holds.
"""
import json
import traceback

checks = []


def check(function):
    checks.append(function)
    return function


def report():
    results = []
    for function in checks:
        try:
            function()
            results.append({'name': function.__name__, 'error': None})
        except Exception:
            results.append({'name': function.__name__, 'error': traceback.format_exc()})
    print(json.dumps(results))
