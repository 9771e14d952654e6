#!/bin/sh
# Quantizes models by every method and measures what comes out, for the table in docs/QUANTIZATION.md: methods.sh PROGRAM
# MADE [MODEL...]. Models and pictures are those of the folder ../shared beside the checkout (or QUANTSCOPE_SHARED), and
# the default model on its demo scene. In the folder MADE are left, for each model, its quantized twins, what the quantizer
# printed (*.txt), how they agree with the model and its labels (NAME.eval.md) and what they cost (NAME.bench.md).
# SAMPLES pictures calibrate (128); each benchmark takes SECONDS_A_SET at most (120).
set -eu
program=$1
made=$2
shift 2
samples=${SAMPLES:-128}
limit=${SECONDS_A_SET:-120}
cd "$(dirname "$0")/.."
shared="${QUANTSCOPE_SHARED:-../shared}"
mkdir -p "$made"

# twin NAME MODEL CALIBRATION FORM OPTION...: one quantized file; what cannot be made is said and left out.
twin() {
    name=$1
    model=$2
    calibration=$3
    form=$4
    shift 4
    out="$made/$name.$form.onnx"
    [ ! -f "$out" ] || return 0
    "$program" quantize "$model" --calibrate "$calibration" --samples "$samples" --save-anyway --out "$out" "$@" \
        >"$made/$name.$form.txt" 2>&1 || echo "methods: $name: $form cannot be made, see $made/$name.$form.txt" >&2
}

# measure NAME MODEL CALIBRATION PICTURES OPTION...: all twins of a model, on pictures with these options of eval.
measure() {
    name=$1
    model=$2
    calibration=$3
    pictures=$4
    shift 4
    if [ ! -f "$model" ]; then
        echo "methods: skipped $name: $model is not here" >&2
        return
    fi
    printf '\n== %s\n' "$name"
    hash=$(sha256sum "$model")
    for method in min-max percentile entropy mse; do
        recipe="$made/$name.$method.recipe.toml"
        cat >"$recipe" <<END
parent_sha256 = "${hash%% *}"
method = "$(echo "$method" | tr - _)"
weight_limit = 127
pictures = $((samples * 3 / 4))
[corrections]
equalize = true
bias = true
rounding = true
[choice]
float_until_stride = 0
float_predictions = false
END
        twin "$name" "$model" "$calibration" "$method" --recipe "$recipe"
    done
    twin "$name" "$model" "$calibration" searched
    for mode in dynamic weights int4 fp16; do
        twin "$name" "$model" "$calibration" "$mode" --mode "$mode"
    done
    set -- "$pictures" "$@" --model "$model"
    models="--model $model"
    for form in min-max percentile entropy mse searched dynamic weights int4 fp16; do
        twin="$made/$name.$form.onnx"
        [ ! -f "$twin" ] || { set -- "$@" --model "$twin"; models="$models --model $twin"; }
    done
    "$program" eval "$@" --report "$made/$name.eval.md"
    # shellcheck disable=SC2086 # No name of these has spaces.
    "$program" bench --also-plain --threads 1 --time-limit "$limit" $models --report "$made/$name.bench.md"
}

wanted=" $* "
is_wanted() { [ "$wanted" = "  " ] || case "$wanted" in *" $1 "*) ;; *) return 1 ;; esac; }
coco="$shared/coco"
for name in yolox_nano nanodet-plus-m_320 picodet_xs_320_processed ssd_mobilenet_v1_coco_dequant_tf2onnx; do
    ! is_wanted "$name" || measure "$name" "$shared/zoo/$name.onnx" "$coco/images/train" "$coco/data.yaml" --split val
done
# Its class is none of the labels': told is how far models agree.
! is_wanted centerface || measure centerface "$shared/zoo/centerface.onnx" "$coco/images/train" "$coco/images/val"
! is_wanted scene || measure scene models/scene.onnx demo demo --count 200 --seed 20261123
