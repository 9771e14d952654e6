"""One command from nothing to the shipped models; every step is skipped when its result is there.

    python -m quantscope_training --generator "target/release/quantscope scene" --models models
"""

import argparse
import os
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from . import card, curves, evaluate, photographs, qat, quantize, sets
from .data import PackedSet, generate, prepare
from .export import export
from .train import QUANTIZED_RECIPE, Recipe, load_averaged, train

# File name behind the family's name → precision; full precision first.
FILES = {"": "FP32", ".int8": "INT8 (PTQ)", ".qat": "INT8 (QAT)", ".fp16": "FP16"}
LARGE_FILES = {"": "FP32", ".qat": "INT8 (QAT)"}
LARGE = f"scene-{sets.LARGE_INPUT}"


def main() -> None:
    options = parse()
    data = options.work / "data"
    prepare([sets.VALIDATION], options.generator, data)
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
    calibrations = prepare([sets.CALIBRATION, sets.enlarged(sets.CALIBRATION)], options.generator, data)
    # The program quantizes from the pictures as they are, with their labels.
    pictures = data / "calibration-pictures"
    if not (pictures / "instances.json").exists():
        generate(sets.CALIBRATION, options.generator, pictures)
    finals = prepare(list(sets.FINAL.values()), options.generator, data)
    large_finals = prepare([sets.enlarged(scenes) for scenes in sets.FINAL.values()], options.generator, data)

    choice = write_models(options, checkpoint, rounding, calibrations, pictures)
    figures = measure("scene", FILES, options.models, finals) + measure(LARGE, LARGE_FILES, options.models, large_finals)
    figures = with_latencies(figures, {evaluate.input_side(packed): packed for packed in (finals[0], large_finals[0])})
    seen = photographs.examine(options.models / "scene.onnx", options.photographs) if options.photographs else None
    family, large = figures[: len(FILES)], figures[len(FILES) :]
    ranges = f"INT8 (PTQ): {choice}; INT8 (QAT): learnt"
    card.write_card(options.models / "scene.toml", family, ranges, recipe.rounds, seen)
    card.write_card(options.models / f"{LARGE}.toml", large, "INT8 (QAT): learnt", recipe.rounds, None)
    card.write_table(options.readme, figures, choice, seen)
    curves.write(options.readme.parent / "curves.png", folders["float"], folders["quantized"])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="quantscope_training", description=__doc__.splitlines()[0])
    default_generator = os.environ.get("QUANTSCOPE_SCENE", "target/release/quantscope scene")
    parser.add_argument("--generator", default=default_generator, help="command that renders labelled pictures")
    default_quantizer = os.environ.get("QUANTSCOPE_QUANTIZE", "target/release/quantscope quantize")
    parser.add_argument("--quantizer", default=default_quantizer, help="command that quantizes after training")
    parser.add_argument("--work", type=Path, default=Path("target/training"), help="pictures and checkpoints")
    parser.add_argument("--models", type=Path, default=Path("models"), help="where the models are written")
    parser.add_argument("--readme", type=Path, default=Path("training/README.md"), help="gets the table of results")
    parser.add_argument("--rounds", type=int, default=sets.ROUNDS, help="more go on from a finished training")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1), help="training processes")
    parser.add_argument("--photographs", type=Path, help="COCO pictures with YOLO labels, to count stop signs in")
    return parser.parse_args()


def write_models(
    options: argparse.Namespace, checkpoint: Path, rounding: Path, calibrations: list[PackedSet], pictures: Path
) -> str:
    """All files, also those of the large variant; returns in words how the one quantized after training was."""
    options.models.mkdir(parents=True, exist_ok=True)
    calibration, large_calibration = calibrations
    fp32 = options.models / "scene.onnx"
    export(load_averaged(checkpoint), fp32)
    quantize.halve(fp32, options.models / "scene.fp16.onnx")
    twin = options.models / "scene.int8.onnx"
    choice = quantize.quantize(fp32, twin, options.quantizer, pictures, sets.CALIBRATION.count)
    write_learnt(rounding, options.models / "scene.qat.onnx", options.work, calibration)

    export(load_averaged(checkpoint), options.models / f"{LARGE}.onnx", sets.LARGE_INPUT)
    write_learnt(rounding, options.models / f"{LARGE}.qat.onnx", options.work, large_calibration)
    return choice


def write_learnt(rounding: Path, target: Path, work: Path, calibration: PackedSet) -> None:
    """The file of the quantization-aware training, for pictures of the size of `calibration`."""
    learnt = load_averaged(rounding, quantized=True)
    qat.set_rounding(learnt, False)
    without_rounding = work / "qat-float.onnx"
    export(learnt, without_rounding, evaluate.input_side(calibration))
    quantize.quantize_with_ranges(
        without_rounding, target, calibration, qat.learnt_ranges(learnt, without_rounding)
    )


def measure(name: str, files: dict[str, str], folder: Path, finals: list[PackedSet]) -> list[card.Figures]:
    sets_by_name = dict(zip(sets.FINAL, finals))
    return [card.measure(folder / f"{name}{end}.onnx", precision, sets_by_name) for end, precision in files.items()]


def with_latencies(figures: list[card.Figures], pictures: dict[int, PackedSet]) -> list[card.Figures]:
    """All measured beside each other; the ratio is to full precision of the same input size."""
    times = evaluate.latencies_ms([(figure.path, pictures[figure.input_size]) for figure in figures])
    print("one thread, medians:", ", ".join(f"{f.path.name} {t:.2f} ms" for f, t in zip(figures, times)), flush=True)
    full = {f.input_size: t for f, t in zip(figures, times) if f.precision == "FP32"}
    return [replace(f, latency_ms=t, latency_ratio=t / full[f.input_size]) for f, t in zip(figures, times)]


if __name__ == "__main__":
    main()
