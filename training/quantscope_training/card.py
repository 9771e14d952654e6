"""The model card that is shipped beside the models, and the table of results in the README."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import evaluate, quantize, sets
from .data import LABELS, PAD, PackedSet, SceneSet
from .evaluate import Precision
from .photographs import Photographs

TABLE_BEGIN = "<!-- results: written by the training, do not edit -->"
TABLE_END = "<!-- end of results -->"


@dataclass(frozen=True)
class Figures:
    """What is known of one file after training."""

    path: Path
    precision: str
    # Side of the square that it sees, in pixels.
    input_size: int
    sets: dict[str, Precision]
    float_convolutions: int
    integer_convolutions: int
    latency_ms: float = 0.0
    latency_ratio: float = 0.0

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def measure(path: Path, precision: str, sets: dict[str, PackedSet]) -> Figures:
    """Accuracy on each set and the operators that ONNX Runtime runs; latency is measured apart, interleaved."""
    operators = quantize.operators_run(path)
    integer = sum(count for name, count in operators.items() if name.startswith("QLinearConv"))
    floating = operators["Conv"] + operators["FusedConv"]
    results = {}
    for name, packed in sets.items():
        results[name] = evaluate.average_precision(evaluate.predict_with_onnx(path, packed), packed)
        print(f"{path.name} on {name}: {results[name]}", flush=True)
    side = evaluate.input_side(next(iter(sets.values())))
    return Figures(path, precision, side, results, floating, integer)


def write_card(path: Path, figures: list[Figures], ranges: str, rounds: int, seen: Photographs | None) -> None:
    """A sidecar that says how to feed the models and, in `[about]`, where they come from.

    `ranges` tells how those of the quantized files were chosen.
    """
    labels = ", ".join(f'"{label}"' for label in LABELS)
    lines = [
        "# The default road-sign detector: one card for all precisions of this input size. Written by training/.",
        'head = "boxes_scores"',
        f"input_size = [{figures[0].input_size}, {figures[0].input_size}]",
        'layout = "nchw"',
        'color = "rgb"',
        f"scale = {1 / 255!r}",
        "mean = [0, 0, 0]",
        "std = [1, 1, 1]",
        'resize = "letterbox_center"',
        f"pad = {PAD}",
        f"labels = [{labels}]",
        "",
        "[about]",
        'description = "Residual detector of twelve road signs, anchor-free, ReLU6"',
        'licence = "MIT OR Apache-2.0"',
        f'training_data = "{described(scenes for k in range(sets.SHARDS) for scenes in sets.shard(k))}"',
        f"rounds = {rounds}",
        f'quantized_by = "{quantized_by(figures)}, static QDQ, u8 activations, s8 weights a channel"',
        f'ranges = "{ranges}"',
        f'evaluation_data = "{described(sets.FINAL.values())}"',
        *([f'photographs = "COCO 2017, FP32 at score 0.4: {seen}"'] if seen else []),
    ]
    for figure in figures:
        lines += [
            "",
            f"[about.files.\"{figure.path.name}\"]",
            f'precision = "{figure.precision}"',
            f"bytes = {figure.bytes}",
            f'sha256 = "{figure.sha256}"',
            f"latency_ratio = {figure.latency_ratio:.2f}",
        ]
        for name, result in figure.sets.items():
            lines += [f"ap_{name} = {result.ap:.4f}", f"ap50_{name} = {result.ap50:.4f}"]
    path.write_text("\n".join(lines) + "\n")


def quantized_by(figures: list[Figures]) -> str:
    """Which tools wrote the quantized ones of these files."""
    tools = {"INT8 (PTQ)": "quantscope quantize", "INT8 (QAT)": "onnxruntime.quantization"}
    return "; ".join(f"{figure.precision}: {tools[figure.precision]}" for figure in figures if figure.precision in tools)


def described(scene_sets: Iterable[SceneSet]) -> str:
    """Such as `quantscope scene: 500 pictures of the default size with seed 1; …`."""
    runs = "; ".join(f"{s.count} pictures of {s.size or 'the default size'} with seed {s.seed}" for s in scene_sets)
    return f"quantscope scene: {runs}"


def write_table(path: Path, figures: list[Figures], ranges: str, seen: Photographs | None) -> None:
    """Replaces the table between the two marks in the README."""
    names = list(figures[0].sets)
    head = "".join(f" AP {name} | AP50 {name} |" for name in names)
    rows = [
        f"| file | precision |{head} ms | latency / FP32 | bytes | Conv / QLinearConv run |",
        "|---|---|" + "---|" * (2 * len(names) + 4),
    ]
    for figure in figures:
        accuracy = "".join(f" {r.ap:.3f} | {r.ap50:.3f} |" for r in figure.sets.values())
        rows.append(
            f"| `{figure.path.name}` | {figure.precision} |{accuracy} {figure.latency_ms:.1f} | {figure.latency_ratio:.2f} "
            f"| {figure.bytes:,} | {figure.float_convolutions} / {figure.integer_convolutions} |"
        )
    rows += ["", f"The file quantized after training, by `quantscope quantize`: {ranges}."]
    if seen:
        rows += ["", f"Photographs of COCO 2017, FP32 at score 0.4: {seen}."]
    text = path.read_text()
    before, rest = text.split(TABLE_BEGIN, 1)
    after = rest.split(TABLE_END, 1)[1]
    path.write_text(before + TABLE_BEGIN + "\n\n" + "\n".join(rows) + "\n\n" + TABLE_END + after)
