"""Quantization-aware training: the network learns with the rounding that 8-bit numbers will bring.

Batch normalization is folded into the convolutions and every tensor that will be 8-bit is rounded in the forward
pass, gradients pass straight through the rounding (Jacob et al. 2018, arXiv:1712.05877). The steps of activations
are learnt (LSQ, Esser et al. 2020, arXiv:1902.08153); those of weights follow from each channel's largest weight, as
the tools for quantization after training choose them.
"""

import math
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .model import ConvBnAct, Detector, Head, Neck, Residual

LEVELS = 255
WEIGHT_LIMIT = 127
RELU6_STEP = 6.0 / LEVELS
# Share of the values that the first range of a tensor covers.
COVERED = 0.9999
# An odd number, so that it does not fall into step with the width of a tensor.
OBSERVED_EVERY = 37


class FakeQuantizer(nn.Module):
    """Rounds a tensor to 256 levels with a learnt step; a positive one is also the ReLU6 before it.

    Behind ReLU6 the zero point is 0; other tensors have one that is set with the first range and then stays.
    """

    def __init__(self, is_positive: bool):
        super().__init__()
        self.is_positive = is_positive
        self.mode = "round"
        self.step = nn.Parameter(torch.tensor([RELU6_STEP]))
        self.register_buffer("zero_point", torch.tensor([0.0]))
        self.seen: list[tuple[float, float]] = []

    def forward(self, x: Tensor) -> Tensor:
        if self.mode == "round":
            # LSQ scales the step's gradient by the number of values that share it.
            share = 1.0 / math.sqrt(x[0].numel() * LEVELS)
            return torch._fake_quantize_learnable_per_tensor_affine(
                x.float(), self.bounded_step(), self.zero_point, 0, LEVELS, share
            )
        if self.is_positive:
            x = F.relu6(x)
        if self.mode == "observe":
            self.seen.append(self.covered_range(x.detach().float()))
        return x

    def bounded_step(self) -> Tensor:
        return self.step.clamp(1e-4, RELU6_STEP if self.is_positive else None)

    def covered_range(self, x: Tensor) -> tuple[float, float]:
        # A part of the values is enough, and sorting is slow.
        values = x.flatten()[::OBSERVED_EVERY].sort().values
        last = len(values) - 1
        return values[math.floor(last * (1 - COVERED))].item(), values[math.ceil(last * COVERED)].item()

    @torch.no_grad()
    def settle(self) -> None:
        """Takes step and zero point from what was observed."""
        low = min(0.0, min(low for low, _ in self.seen))
        high = max(1e-3, max(high for _, high in self.seen))
        self.step.fill_((high - low) / LEVELS)
        self.zero_point.fill_(round(-low * LEVELS / (high - low)))
        self.seen.clear()
        self.mode = "round"


class RoundedConv(nn.Conv2d):
    """A convolution whose weights are rounded to 8 bits a channel."""

    is_rounded = True

    @classmethod
    def folded(cls, conv: nn.Conv2d, norm: nn.BatchNorm2d | None) -> "RoundedConv":
        """Takes over a convolution and the normalization behind it."""
        new = cls(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding)
        weight, bias = conv.weight.data, conv.bias.data if conv.bias is not None else 0.0
        if norm is not None:
            factor = norm.weight.data / torch.sqrt(norm.running_var + norm.eps)
            weight = weight * factor[:, None, None, None]
            bias = norm.bias.data + (bias - norm.running_mean) * factor
        new.weight.data.copy_(weight)
        new.bias.data.copy_(bias)
        return new

    def forward(self, x: Tensor) -> Tensor:
        if not self.is_rounded:
            return super().forward(x)
        step = self.weight.detach().abs().amax(dim=(1, 2, 3)).clamp(min=1e-8) / WEIGHT_LIMIT
        zero = torch.zeros_like(step, dtype=torch.int32)
        weight = torch.fake_quantize_per_channel_affine(self.weight, step, zero, 0, -WEIGHT_LIMIT, WEIGHT_LIMIT)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


def with_fake_quantizers(detector: Detector) -> Detector:
    """Folds and rounds everything up to the prediction convolutions, in place."""
    for module in list(detector.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, ConvBnAct):
                conv = RoundedConv.folded(child[0], child[1])
                module._modules[name] = nn.Sequential(conv, FakeQuantizer(is_positive=len(child) == 3))
        if isinstance(module, Residual):
            module.activation = FakeQuantizer(is_positive=True)
        elif isinstance(module, Neck):
            module.sums = nn.ModuleList(FakeQuantizer(is_positive=True) for _ in module.sums)
        elif isinstance(module, Head):
            for name in ("box_prediction", "class_prediction"):
                conv = RoundedConv.folded(getattr(module, name), None)
                setattr(module, name, nn.Sequential(conv, FakeQuantizer(is_positive=False)))
    return detector


def fake_quantizers(detector: nn.Module) -> dict[str, FakeQuantizer]:
    return {name: module for name, module in detector.named_modules() if isinstance(module, FakeQuantizer)}


def set_rounding(detector: nn.Module, is_on: bool) -> None:
    """Switches all rounding, of weights too; without it the network is an ordinary float one, as it is exported."""
    for module in detector.modules():
        if isinstance(module, FakeQuantizer):
            module.mode = "round" if is_on else "pass"
        elif isinstance(module, RoundedConv):
            module.is_rounded = is_on


@torch.no_grad()
def calibrate(detector: Detector, batches: list[Tensor]) -> None:
    """Sets the first ranges from pictures `[b,3,S,S]`."""
    quantizers = fake_quantizers(detector).values()
    for quantizer in quantizers:
        quantizer.mode = "observe"
    for images in batches:
        detector(images)
    for quantizer in quantizers:
        quantizer.settle()


def learnt_ranges(detector: Detector, exported: Path) -> dict[str, tuple[float, int]]:
    """Step and zero point of every tensor of the exported float file that a quantizer rounded, by its name there."""
    graph = onnx.load(exported).graph
    by_weight = {node.input[1]: node for node in graph.node if node.op_type == "Conv"}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for tensor in node.input:
            readers.setdefault(tensor, []).append(node)

    def behind(tensor: str, operators: list[str]) -> str:
        """Follows a tensor through these operators."""
        for operator in operators:
            tensor = next(node for node in readers[tensor] if node.op_type == operator).output[0]
        return tensor

    ranges = {}
    for name, quantizer in fake_quantizers(detector).items():
        if name.endswith(".activation"):
            start, path = name.removesuffix("activation") + "second", ["Add", "Clip"]
        elif ".sums." in name:
            start, path = name.replace(".sums.", ".laterals."), ["Clip", "Add", "Clip"]
        else:
            start, path = name.rsplit(".", 1)[0], ["Clip"] if quantizer.is_positive else []
        tensor = behind(by_weight[f"detector.{start}.0.weight"].output[0], path)
        ranges[tensor] = (quantizer.bounded_step().item(), int(quantizer.zero_point.item()))
    return ranges
