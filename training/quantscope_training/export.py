"""PyTorch → ONNX: opset 17, one picture a run, batch normalization folded into the convolutions."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

from . import evaluate
from .data import LABELS
from .model import INPUT_SIZE, Detector, ExportedDetector

OPSET = 17
# Largest differences between PyTorch and ONNX Runtime that rounding explains.
BOX_TOLERANCE_PX = 0.05
SCORE_TOLERANCE = 1e-3


def export(detector: Detector, path: Path, size: int = INPUT_SIZE) -> None:
    """Writes `images [1,3,S,S]` → `boxes [1,N,4]`, `scores [1,N,12]` and checks it against PyTorch; 320 gives N = 2100."""
    detector.set_input_size(size)
    shipped = ExportedDetector(detector).eval()
    example = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The TorchScript exporter is deprecated, but it is the one that writes opset 17 directly.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            shipped,
            (example,),
            str(path),
            opset_version=OPSET,
            dynamo=False,
            input_names=["images"],
            output_names=["boxes", "scores"],
        )
    model = onnx.load(path)
    describe(model)
    onnx.checker.check_model(model, full_check=True)
    left = [node.name for node in model.graph.node if node.op_type == "BatchNormalization"]
    if left:
        raise SystemExit(f"{path}: batch normalization was not folded: {left}")
    onnx.save(model, path)
    compare(shipped, example, path)


def describe(model: onnx.ModelProto) -> None:
    """Who made the file and what its classes are called, in the form other exporters use."""
    model.producer_name = "quantscope"
    model.doc_string = "Road-sign detector of quantscope, trained on rendered pictures. MIT OR Apache-2.0."
    names = {index: name for index, name in enumerate(LABELS)}
    onnx.helper.set_model_props(model, {"names": str(names), "task": "detect", "license": "MIT OR Apache-2.0"})


@torch.inference_mode()
def compare(shipped: ExportedDetector, example: torch.Tensor, path: Path) -> None:
    """Stops when ONNX Runtime and PyTorch disagree."""
    expected = [output.numpy() for output in shipped(example)]
    got = evaluate.open_session(path).run(["boxes", "scores"], {"images": example.numpy()})
    for name, want, have, tolerance in zip(
        ("boxes", "scores"), expected, got, (BOX_TOLERANCE_PX, SCORE_TOLERANCE)
    ):
        difference = float(np.abs(want - have).max())
        if difference > tolerance:
            raise SystemExit(f"{path}: {name} differ from PyTorch's by {difference:.4f}, allowed {tolerance}")
