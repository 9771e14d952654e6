#!/bin/sh
# Measures the program as it will be used, models in turn and as ratios to the first: bench.sh PROGRAM MADE [REPORTS].
# First the default models; then, on one thread, each model accelerated and as ONNX Runtime alone runs it: the default
# ones, YOLOX-Nano where a folder with it is known (../shared beside the checkout, or QUANTSCOPE_SHARED), and MADE/silu.onnx,
# which `make bench` writes. Their quantized twins are made in the folder MADE. Each set takes SECONDS_A_SET at most. With
# a folder REPORTS reports are left there.
set -eu
program=$1
made=$2
reports=${3-}
limit=${SECONDS_A_SET:-60}
cd "$(dirname "$0")/.."
shared="${QUANTSCOPE_SHARED:-../shared}"

# measure NAME OPTION... -- MODEL...: those of the models that are there.
measure() {
    name=$1
    shift
    options=""
    while [ "$1" != -- ]; do
        options="$options $1"
        shift
    done
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
    "$program" bench --time-limit "$limit" $options "$@"
}

# quantize MODEL TWIN CALIBRATION SAMPLES: the twin, where there is none yet. What it finds does not matter here.
quantize() {
    if [ -f "$1" ] && [ ! -f "$2" ]; then
        printf '\n== quantize %s\n\n' "$1"
        "$program" quantize "$1" --calibrate "$3" --samples "$4" --save-anyway --out "$2"
    fi
}

both="--also-plain --threads 1"
measure scene -- models/scene.onnx models/scene.int8.onnx models/scene.qat.onnx models/scene.fp16.onnx
# shellcheck disable=SC2086
measure scene-accelerated $both -- models/scene.onnx models/scene.int8.onnx
yolox="$shared/zoo/yolox_nano.onnx"
quantize "$yolox" "$made/yolox_nano.int8.onnx" "$shared/coco/images/train" 128
# shellcheck disable=SC2086
measure yolox-nano-accelerated $both -- "$yolox" "$made/yolox_nano.int8.onnx"
quantize "$made/silu.onnx" "$made/silu.int8.onnx" demo 12
# shellcheck disable=SC2086
measure silu-640-accelerated $both -- "$made/silu.onnx" "$made/silu.int8.onnx"
