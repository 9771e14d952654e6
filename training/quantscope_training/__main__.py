"""One command from nothing to the shipped models; every step is skipped when its result is there.

    python -m quantscope_training --generator "target/release/quantscope scene" --models models
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from . import card, evaluate, quantize
from .data import PackedSet, SceneSet, prepare
from .export import export
from .train import Recipe, load_averaged, train

TRAIN_SETS = (
    SceneSet("train", 8000, 101, "320x320"),
    # Wide pictures shrink into the letterbox, as camera and video frames do.
    SceneSet("train-wide", 4000, 102, "960x540"),
)
VALIDATION_SET = SceneSet("validation", 300, 103, "320x320")
# Seen by nothing but the final table.
FINAL_SETS = (
    SceneSet("final", 500, 20261123),
    SceneSet("final-wide", 500, 20261124, "1280x720"),
)
EPOCHS = 7
# Validation AP of the same network by different ranges scatters by about this much.
AP_NOISE = 0.003


def main() -> None:
    options = parse()
    data = options.work / "data"
    training = prepare(list(TRAIN_SETS), options.generator, data)
    [validation] = prepare([VALIDATION_SET], options.generator, data)
    checkpoint = train(
        Recipe(epochs=options.epochs),
        [data / scenes.name for scenes in TRAIN_SETS],
        data / VALIDATION_SET.name,
        options.work / "run",
        options.workers,
    )
    options.models.mkdir(parents=True, exist_ok=True)
    fp32 = options.models / "scene.onnx"
    int8 = options.models / "scene.int8.onnx"
    export(load_averaged(checkpoint), fp32)
    choice = best_choice(fp32, options.work / "candidates", training[0], validation)
    quantize.quantize(fp32, int8, training[0], choice)

    finals = dict(zip(("square", "wide"), prepare(list(FINAL_SETS), options.generator, data)))
    figures = [card.measure(path, precision, finals) for path, precision in ((fp32, "FP32"), (int8, "INT8 (PTQ)"))]
    ratio = latency_ratio(fp32, int8, finals["square"])
    figures = [replace(figures[0], latency_ratio=1.0), replace(figures[1], latency_ratio=ratio)]
    card.write_card(options.models / "scene.toml", figures, choice.name, options.epochs, TRAIN_SETS, FINAL_SETS)
    card.write_table(options.readme, figures, choice.name)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="quantscope_training", description=__doc__.splitlines()[0])
    default_generator = os.environ.get("QUANTSCOPE_SCENE", "target/release/quantscope scene")
    parser.add_argument("--generator", default=default_generator, help="command that renders labelled pictures")
    parser.add_argument("--work", type=Path, default=Path("target/training"), help="pictures and checkpoints")
    parser.add_argument("--models", type=Path, default=Path("models"), help="where the models are written")
    parser.add_argument("--readme", type=Path, default=Path("training/README.md"), help="gets the table of results")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1), help="training processes")
    return parser.parse_args()


def best_choice(fp32: Path, folder: Path, training: PackedSet, validation: PackedSet) -> quantize.Choice:
    """Tries every way to quantize; the first, so the simplest and fastest, whose validation AP is near the best."""
    folder.mkdir(parents=True, exist_ok=True)
    scored = []
    for number, choice in enumerate(quantize.CHOICES):
        path = folder / f"{number}.onnx"
        quantize.quantize(fp32, path, training, choice)
        result = evaluate.average_precision(evaluate.predict_with_onnx(path, validation), validation)
        print(f"{choice.name}: validation AP {result.ap:.4f}, AP50 {result.ap50:.4f}", flush=True)
        scored.append((result.ap, choice))
    best = max(ap for ap, _ in scored)
    return next(choice for ap, choice in scored if ap >= best - AP_NOISE)


def latency_ratio(fp32: Path, int8: Path, packed: PackedSet) -> float:
    slow, fast = evaluate.latencies_ms([fp32, int8], packed)
    print(f"one thread, medians: FP32 {slow:.2f} ms, INT8 {fast:.2f} ms", flush=True)
    return fast / slow


if __name__ == "__main__":
    main()
