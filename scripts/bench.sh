#!/bin/sh
# Measures the program as it will be used, models in turn and as ratios to the first: bench.sh PROGRAM [FOLDER]. The
# default models, full precision first, then YOLOX-Nano and its quantized twin where a folder with it is known (../shared
# beside the checkout, or QUANTSCOPE_SHARED). Each set takes SECONDS_A_SET at most. With a FOLDER reports are left there.
set -eu
program=$1
reports=${2-}
limit=${SECONDS_A_SET:-60}
cd "$(dirname "$0")/.."

# measure NAME MODEL...: those of the models that are there.
measure() {
    name=$1
    shift
    for model in "$@"; do
        shift
        [ ! -f "$model" ] || set -- "$@" --model "$model"
    done
    if [ $# -eq 0 ]; then
        echo "bench: skipped $name: the models are not here" >&2
        return
    fi
    printf '\n== %s\n\n' "$name"
    if [ -n "$reports" ]; then
        mkdir -p "$reports"
        set -- "$@" --report "$reports/$name.md" --report "$reports/$name.json"
    fi
    # shellcheck disable=SC2086 # These are words.
    "$program" bench --time-limit "$limit" $how "$@"
}

# accelerated NAME MODEL...: the same on one thread, each model accelerated and as ONNX Runtime alone runs it.
accelerated() {
    how="--also-plain --threads 1"
    measure "$@"
    how=""
}

how=""
measure scene models/scene.onnx models/scene.int8.onnx models/scene.qat.onnx models/scene.fp16.onnx
zoo="${QUANTSCOPE_SHARED:-../shared}/zoo"
measure yolox-nano "$zoo/yolox_nano.onnx" "$zoo/yolox_nano.int8.onnx" "$zoo/yolox_nano_int8.onnx"
accelerated accelerated-yolox-nano "$zoo/yolox_nano.onnx" "$zoo/yolox_nano.int8.onnx" "$zoo/yolox_nano_int8.onnx"
accelerated accelerated-scene models/scene.onnx models/scene.int8.onnx
