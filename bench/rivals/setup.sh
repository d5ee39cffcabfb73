#!/usr/bin/env bash
# Makes the rivals' Python environment, and the models that everyone serves. Once: bench/rivals/setup.sh
set -euo pipefail
cd "$(dirname "$0")"
python3 -m venv .venv
.venv/bin/pip install --quiet --requirement requirements.txt
CUDA_VISIBLE_DEVICES=-1 TF_CPP_MIN_LOG_LEVEL=3 .venv/bin/python make_models.py
