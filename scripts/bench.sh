#!/bin/sh
# Measures the program as it will be used: bench.sh PROGRAM. The default models, then YOLOX-Nano where a folder with it
# is known (../shared beside the checkout, or QUANTSCOPE_SHARED).
set -eu
program=$1
cd "$(dirname "$0")/.."

set --
for model in models/*.onnx; do
    [ ! -f "$model" ] || set -- "$@" --model "$model"
done
if [ $# -gt 0 ]; then
    "$program" bench "$@"
else
    echo "bench: skipped the default models: there are none in models/" >&2
fi

zoo="${QUANTSCOPE_SHARED:-../shared}/zoo"
set --
for model in "$zoo"/yolox_nano*.onnx; do
    [ ! -f "$model" ] || set -- "$@" --model "$model"
done
if [ $# -gt 0 ]; then
    "$program" bench "$@"
else
    echo "bench: skipped YOLOX-Nano: it is not in $zoo" >&2
fi
