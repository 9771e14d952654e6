#!/bin/sh
# Trains, exports, quantizes and measures the default models, from nothing or from where it stopped.
# Needs Python 3.11 or later and the release binary (or QUANTSCOPE_SCENE, a command that renders the pictures, and
# QUANTSCOPE_QUANTIZE, one that quantizes).
set -eu
cd "$(dirname "$0")/.."
environment=target/training/python
if [ ! -x "$environment/bin/python" ]; then
    python3 -m venv "$environment"
fi
if ! cmp -s training/requirements.txt "$environment/installed.txt"; then
    "$environment/bin/pip" install --quiet --requirement training/requirements.txt
    cp training/requirements.txt "$environment/installed.txt"
fi
PYTHONPATH=training exec "$environment/bin/python" -m quantscope_training "$@"
