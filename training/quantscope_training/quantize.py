"""Quantized files: static, QDQ, u8 activations, s8 weights a channel.

After training, `quantscope quantize` chooses ranges and layers from rendered pictures. After quantization-aware training
onnxruntime.quantization writes the learnt ranges. What is quantized then is found by structure: everything from the input up
to the last convolution of each branch. The tail behind (decoding, sigmoid, concatenation) mixes ranges and stays float.
"""

import contextlib
import io
import json
import logging
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from .data import PackedSet, to_model

# Pictures whose activations are held at once.
CHUNK = 10
# What the file quantized after training has to keep: boxes of 98 in 100 agree with those of FP32.
MIN_AGREEMENT = 0.98


class Pictures(CalibrationDataReader):
    """Model inputs from a packed set, a range at a time."""

    def __init__(self, packed: PackedSet, count: int):
        # Spread over the whole set; a set is in random order already.
        self.images = packed.images[:count]
        self.set_range(0, len(self.images))

    def __len__(self) -> int:
        return len(self.images)

    def set_range(self, start_index: int, end_index: int) -> None:
        self.rows = iter(range(start_index, end_index))

    def get_next(self) -> dict[str, np.ndarray] | None:
        row = next(self.rows, None)
        return None if row is None else {"images": to_model(self.images[row : row + 1])}


def quantize(source: Path, target: Path, quantizer: str, pictures: Path, count: int) -> str:
    """FP32 file → QDQ file by the program itself, calibrated on labelled pictures; returns in words what was chosen."""
    report = target.with_suffix(".report.json")
    command = [*quantizer.split(), str(source), "--calibrate", str(pictures / "instances.json"), "--samples", str(count)]
    command += ["--min-agreement", str(MIN_AGREEMENT), "--out", str(target), "--report", str(report)]
    subprocess.run(command, check=True)
    told = json.loads(report.read_text())
    report.unlink()
    onnx.checker.check_model(onnx.load(target), full_check=True)
    return f"{told['recipe']['method']}, {told['points'][told['best']]['in_words']}"


def quantize_with_ranges(
    source: Path, target: Path, packed: PackedSet, ranges: dict[str, tuple[float, int]]
) -> None:
    """FP32 file of a quantization-aware training → QDQ file with the learnt step and zero point of every tensor."""
    learnt = {
        tensor: [{"scale": np.array(step, np.float32), "zero_point": np.array(zero, np.uint8)}]
        for tensor, (step, zero) in ranges.items()
    }
    # The tool calibrates in any case, for the few tensors without a learnt range: the picture itself.
    write(source, target, Pictures(packed, CHUNK), {"TensorQuantOverrides": learnt})
    describe(source, target, "Quantized with learnt ranges after quantization-aware training.")


def write(source: Path, target: Path, pictures: Pictures, options: dict) -> None:
    # The advice to pre-process does not apply: batch normalization is folded and shapes are fixed.
    logging.getLogger().setLevel(logging.ERROR)
    # The tool prints a line for every chunk.
    with contextlib.redirect_stdout(io.StringIO()):
        quantize_static(
            str(source),
            str(target),
            pictures,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=integer_nodes(onnx.load(source)),
            calibrate_method=CalibrationMethod.MinMax,
            extra_options=options,
        )


def describe(source: Path, target: Path, note: str) -> None:
    model, quantized = onnx.load(source), onnx.load(target)
    quantized.producer_name = model.producer_name
    quantized.doc_string = f"{model.doc_string} {note}"
    drop_unused_constants(quantized)
    onnx.checker.check_model(quantized, full_check=True)
    onnx.save(quantized, target)


def halve(source: Path, target: Path) -> None:
    """FP32 file → FP16 file whose input and outputs stay FP32."""
    model = convert_float_to_float16(onnx.load(source), keep_io_types=True)
    # The tool leaves the conversion of the input at the end of the list.
    OnnxModel(model).topological_sort()
    model.doc_string += " Converted to FP16."
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, target)


def drop_unused_constants(model: onnx.ModelProto) -> None:
    """Removes the bounds of the Clips that went into the ranges; the runtime would warn about each."""
    used = {tensor for node in model.graph.node for tensor in node.input}
    nodes = [node for node in model.graph.node if node.op_type != "Constant" or node.output[0] in used]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def integer_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the convolutions, and of the nodes that a later convolution depends on."""
    producers = {output: node for node in model.graph.node for output in node.output}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    before_some_convolution: set[str] = set()
    pending = list(convolutions)
    while pending:
        for tensor in pending.pop().input:
            node = producers.get(tensor)
            if node is not None and node.name not in before_some_convolution:
                before_some_convolution.add(node.name)
                pending.append(node)
    chosen = before_some_convolution | {node.name for node in convolutions}
    return [node.name for node in model.graph.node if node.name in chosen and node.op_type != "Constant"]


def operators_run(path: Path) -> Counter[str]:
    """Counts the operators of the graph that ONNX Runtime really runs, after all its optimizations."""
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = str(Path(folder) / "optimized.onnx")
        ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        graph = onnx.load(options.optimized_model_filepath).graph
    return Counter(node.op_type for node in graph.node)
