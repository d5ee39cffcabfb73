#!/usr/bin/env bash
# Once, after npm ci: the engine of rival 3, the Python environment of the others, and the models that everyone serves.
# TensorFlow 2.15 has wheels for Python 3.9 to 3.11: PYTHON names another one than python3.
set -euo pipefail
cd "$(dirname "$0")"
ENGINE=tfjs node ../../scripts/engine.mjs
"${PYTHON:-python3}" -m venv .venv
.venv/bin/pip install --quiet --requirement requirements.txt --constraint constraints.txt
CUDA_VISIBLE_DEVICES=-1 TF_CPP_MIN_LOG_LEVEL=3 .venv/bin/python -W ignore make_models.py
