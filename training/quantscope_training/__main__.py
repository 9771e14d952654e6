"""One command from nothing to the shipped models; every step is skipped when its result is there.

    python -m quantscope_training --generator "target/release/quantscope scene" --models models
"""

import argparse
import os
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from . import card, curves, evaluate, photographs, qat, quantize, sets
from .data import PackedSet, prepare
from .export import export
from .train import QUANTIZED_RECIPE, Recipe, load_averaged, train

# Validation AP of the same network by different ranges scatters by about this much.
AP_NOISE = 0.003


def main() -> None:
    options = parse()
    data = options.work / "data"
    [validation] = prepare([sets.VALIDATION], options.generator, data)
    prepare(list(sets.shard(0)), options.generator, data)
    # The other shards are rendered while the first is learnt from; by a new process, as a copy of this one would wait
    # for threads of PyTorch that were not copied.
    renderer = get_context("spawn").Process(target=sets.render_the_rest, args=(options.generator, data))
    renderer.start()
    shards = [[data / scenes.name for scenes in sets.shard(number)] for number in range(sets.SHARDS)]
    folders = {"float": options.work / "run", "quantized": options.work / "run-qat"}
    recipe = Recipe(rounds=options.rounds)
    checkpoint = train(recipe, shards, data / sets.VALIDATION.name, folders["float"], options.workers)
    rounding = train(
        QUANTIZED_RECIPE, shards, data / sets.VALIDATION.name, folders["quantized"], options.workers, checkpoint
    )
    renderer.join()
    [calibration] = prepare([sets.CALIBRATION], options.generator, data)
    finals = dict(zip(sets.FINAL, prepare(list(sets.FINAL.values()), options.generator, data)))

    choice = write_models(options, checkpoint, rounding, calibration, validation)
    figures = measure_models(options.models, finals)
    seen = photographs.examine(options.models / "scene.onnx", options.photographs) if options.photographs else None
    card.write_card(options.models / "scene.toml", figures, choice.name, recipe.rounds, seen)
    card.write_table(options.readme, figures, choice.name, seen)
    curves.write(options.readme.parent / "curves.png", folders["float"], folders["quantized"])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="quantscope_training", description=__doc__.splitlines()[0])
    default_generator = os.environ.get("QUANTSCOPE_SCENE", "target/release/quantscope scene")
    parser.add_argument("--generator", default=default_generator, help="command that renders labelled pictures")
    parser.add_argument("--work", type=Path, default=Path("target/training"), help="pictures and checkpoints")
    parser.add_argument("--models", type=Path, default=Path("models"), help="where the models are written")
    parser.add_argument("--readme", type=Path, default=Path("training/README.md"), help="gets the table of results")
    parser.add_argument("--rounds", type=int, default=sets.ROUNDS, help="more go on from a finished training")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1), help="training processes")
    parser.add_argument("--photographs", type=Path, help="COCO pictures with YOLO labels, to count stop signs in")
    return parser.parse_args()


def write_models(
    options: argparse.Namespace, checkpoint: Path, rounding: Path, calibration: PackedSet, validation: PackedSet
) -> quantize.Choice:
    """All files of the family; returns how the ranges of the one quantized after training were chosen."""
    options.models.mkdir(parents=True, exist_ok=True)
    fp32 = options.models / "scene.onnx"
    export(load_averaged(checkpoint), fp32)
    quantize.halve(fp32, options.models / "scene.fp16.onnx")
    choice = best_choice(fp32, options.work / "candidates", calibration, validation)
    quantize.quantize(fp32, options.models / "scene.int8.onnx", calibration, choice)

    learnt = load_averaged(rounding, quantized=True)
    qat.set_rounding(learnt, False)
    without_rounding = options.work / "qat-float.onnx"
    export(learnt, without_rounding)
    ranges = qat.learnt_ranges(learnt, without_rounding)
    quantize.quantize_with_ranges(without_rounding, options.models / "scene.qat.onnx", calibration, ranges)
    return choice


def best_choice(fp32: Path, folder: Path, calibration: PackedSet, validation: PackedSet) -> quantize.Choice:
    """The first way to quantize, so the simplest and fastest, that keeps the validation AP of FP32; else the best."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = evaluate.average_precision(evaluate.predict_with_onnx(fp32, validation), validation).ap - AP_NOISE
    scored = []
    for number, choice in enumerate(quantize.CHOICES):
        path = folder / f"{number}.onnx"
        quantize.quantize(fp32, path, calibration, choice)
        result = evaluate.average_precision(evaluate.predict_with_onnx(path, validation), validation)
        print(f"{choice.name}: validation AP {result.ap:.4f}, AP50 {result.ap50:.4f}", flush=True)
        if result.ap >= wanted:
            return choice
        scored.append((result.ap, number))
    return quantize.CHOICES[max(scored)[1]]


def measure_models(folder: Path, finals: dict[str, PackedSet]) -> list[card.Figures]:
    files = {
        "scene.onnx": "FP32",
        "scene.int8.onnx": "INT8 (PTQ)",
        "scene.qat.onnx": "INT8 (QAT)",
        "scene.fp16.onnx": "FP16",
    }
    figures = [card.measure(folder / name, precision, finals) for name, precision in files.items()]
    times = evaluate.latencies_ms([figure.path for figure in figures], finals["square"])
    print("one thread, medians:", ", ".join(f"{f.precision} {t:.2f} ms" for f, t in zip(figures, times)), flush=True)
    return [replace(figure, latency_ms=t, latency_ratio=t / times[0]) for figure, t in zip(figures, times)]


if __name__ == "__main__":
    main()
