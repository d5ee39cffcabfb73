#!/bin/sh
# Makes every model and golden again: test/goldens/make/run.sh [--only REGEX]
# PY2 and PY3 name Pythons (3.11) that have Keras 2.15 and Keras 3; without them the environments are made in .venv-k2 and .venv-k3 here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"

environment () {
  if [ ! -x ".venv-$1/bin/python" ]; then
    "${PYTHON:-python3.11}" -m venv ".venv-$1"
    ".venv-$1/bin/pip" install --quiet -r "requirements-$1.txt"
  fi
  echo "$here/.venv-$1/bin/python"
}

export PYTHONDONTWRITEBYTECODE=1
"${PY2:-$(environment k2)}" generate.py "$@"
"${PY3:-$(environment k3)}" generate.py "$@"
