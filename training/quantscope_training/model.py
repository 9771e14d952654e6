"""The detector: a MobileNetV2-style backbone, a small feature pyramid and an anchor-free decoupled head.

Backbone: inverted residuals with linear bottlenecks and ReLU6 (Sandler et al. 2018, arXiv:1801.04381).
Neck: top-down feature pyramid with additions (Lin et al. 2017, arXiv:1612.03144).
Head: one prediction a grid cell, boxes as distances to the four edges (FCOS, Tian et al. 2019,
arXiv:1904.01355), separate branches for boxes and classes (YOLOX, Ge et al. 2021, arXiv:2107.08430).

Everything between the picture and the prediction convolutions is Conv + ReLU6, Add or nearest
upsampling, all of which have integer kernels in ONNX Runtime.
"""

import math

import torch
from torch import Tensor, nn

INPUT_SIZE = 320
STRIDES = (8, 16, 32)
NECK_CHANNELS = 64
# A 6x6 window every 4 pixels instead of MobileNetV2's two layers at 160x160: there the integer kernels pay for
# every output pixel, however little there is to compute, and are slower than the float ones.
STEM_CHANNELS = 32
STEM_KERNEL = 6
STEM_STRIDE = 4
# Each stage: (output channels, expansion, blocks, stride of the first block), as in table 2 of MobileNetV2.
# All widths, also inside the blocks, are multiples of 16: others cost the integer kernels up to three times
# as much (72 channels against 80, ONNX Runtime 1.32).
STAGES = (
    (32, 2, 2, 1),  # 80x80
    (48, 3, 3, 2),  # 40x40, to the neck
    (80, 4, 3, 2),  # 20x20, to the neck
    (128, 4, 3, 2),  # 10x10, to the neck
)
NECK_STAGES = (1, 2, 3)
PRIOR_SCORE = 0.01
# exp() of this is 55 strides, wider than any picture; the clamp keeps early training finite.
MAX_LOG_DISTANCE = 4.0


class StridedDepthwise(nn.Conv2d):
    """A depthwise convolution with stride 2, kept in 32 bits while training.

    oneDNN's bfloat16 backward pass of this shape is four to ten times slower than its float one
    (measured with torch 2.15 on AVX-512 and AMX).
    """

    def forward(self, x: Tensor) -> Tensor:
        if not torch.is_autocast_enabled("cpu"):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float()).to(x.dtype)


class ConvBnAct(nn.Sequential):
    """Convolution without bias, batch normalization, and ReLU6 unless `activate` is false."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, activate: bool = True):
        convolution = StridedDepthwise if stride > 1 and groups > 1 else nn.Conv2d
        # Centres every window on its cell: 1 for 3x3, also for the stem's 6x6 with stride 4.
        padding = (kernel - 1) // 2 if stride < 4 else (kernel - stride) // 2
        layers = [
            convolution(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, momentum=0.03),
        ]
        if activate:
            layers.append(nn.ReLU6())
        super().__init__(*layers)


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise 3x3, project 1x1 without activation; added to its input where shapes allow."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int):
        super().__init__()
        hidden = inputs * expansion
        layers = [ConvBnAct(inputs, hidden, 1)] if expansion > 1 else []
        layers += [
            ConvBnAct(hidden, hidden, 3, stride, groups=hidden),
            ConvBnAct(hidden, outputs, 1, activate=False),
        ]
        self.layers = nn.Sequential(*layers)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.is_residual else self.layers(x)


def separable(channels: int) -> nn.Sequential:
    """Depthwise 3x3 then pointwise 1x1, both with ReLU6."""
    return nn.Sequential(
        ConvBnAct(channels, channels, 3, groups=channels),
        ConvBnAct(channels, channels, 1),
    )


class Backbone(nn.Module):
    """`[B,3,H,W]` in 0…1 → features at strides 8, 16 and 32."""

    def __init__(self):
        super().__init__()
        self.stem = ConvBnAct(3, STEM_CHANNELS, STEM_KERNEL, STEM_STRIDE)
        channels = STEM_CHANNELS
        self.stages = nn.ModuleList()
        for outputs, expansion, blocks, stride in STAGES:
            stage = nn.Sequential()
            for block in range(blocks):
                stage.append(InvertedResidual(channels, outputs, expansion, stride if block == 0 else 1))
                channels = outputs
            self.stages.append(stage)

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.stem(images)
        features = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in NECK_STAGES:
                features.append(x)
        return features


class Neck(nn.Module):
    """Top-down pyramid: three features of different widths → three of `NECK_CHANNELS`."""

    def __init__(self):
        super().__init__()
        self.laterals = nn.ModuleList(ConvBnAct(STAGES[i][0], NECK_CHANNELS, 1) for i in NECK_STAGES)
        self.merges = nn.ModuleList(separable(NECK_CHANNELS) for _ in NECK_STAGES)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        merged: list[Tensor] = []
        for level in reversed(range(len(features))):
            x = self.laterals[level](features[level])
            if merged:
                x = x + self.upsample(merged[0])
            merged.insert(0, self.merges[level](x))
        return merged


class Head(nn.Module):
    """One pyramid level → logits of distances `[B,4,h,w]` and of classes `[B,C,h,w]`."""

    def __init__(self, classes: int):
        super().__init__()
        self.box_branch = separable(NECK_CHANNELS)
        self.class_branch = separable(NECK_CHANNELS)
        self.box_prediction = nn.Conv2d(NECK_CHANNELS, 4, 1)
        self.class_prediction = nn.Conv2d(NECK_CHANNELS, classes, 1)
        nn.init.normal_(self.class_prediction.weight, std=0.01)
        # Focal loss's prior: nearly everything is background at first (Lin et al. 2017, arXiv:1708.02002).
        nn.init.constant_(self.class_prediction.bias, -math.log((1 - PRIOR_SCORE) / PRIOR_SCORE))
        nn.init.normal_(self.box_prediction.weight, std=0.01)
        nn.init.constant_(self.box_prediction.bias, math.log(2.0))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.box_prediction(self.box_branch(x)), self.class_prediction(self.class_branch(x))


def cell_grid(size: int = INPUT_SIZE) -> tuple[Tensor, Tensor]:
    """Centres of all cells `[N,2]` as x, y in pixels, and their strides `[N,1]`; levels fine to coarse."""
    centres, strides = [], []
    for stride in STRIDES:
        line = (torch.arange(size // stride, dtype=torch.float32) + 0.5) * stride
        y, x = torch.meshgrid(line, line, indexing="ij")
        centres.append(torch.stack([x.flatten(), y.flatten()], dim=1))
        strides.append(torch.full((line.numel() ** 2, 1), float(stride)))
    return torch.cat(centres), torch.cat(strides)


class Detector(nn.Module):
    """`[B,3,S,S]` RGB 0…1 → boxes `[B,N,4]` and class logits `[B,N,C]`; S = 320 gives N = 2100.

    Boxes are left, top, right, bottom in pixels of the input: `centre ∓ exp(distance) · stride`.
    """

    def __init__(self, classes: int, size: int = INPUT_SIZE):
        super().__init__()
        self.backbone = Backbone()
        self.neck = Neck()
        # A head a level, not a shared one: each then has its own ranges, which suits 8-bit numbers.
        self.heads = nn.ModuleList(Head(classes) for _ in STRIDES)
        self.set_input_size(size)

    def set_input_size(self, size: int) -> None:
        """Prepares the grid for square pictures of `size` pixels, a multiple of 32."""
        centres, strides = cell_grid(size)
        self.register_buffer("centres", centres, persistent=False)
        self.register_buffer("strides", strides, persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        predictions = [head(x) for head, x in zip(self.heads, self.neck(self.backbone(images)))]
        distances = torch.cat([flatten_cells(boxes) for boxes, _ in predictions], dim=1).float()
        logits = torch.cat([flatten_cells(classes) for _, classes in predictions], dim=1).float()
        distances = distances.clamp(max=MAX_LOG_DISTANCE).exp() * self.strides
        boxes = torch.cat([self.centres - distances[..., :2], self.centres + distances[..., 2:]], dim=2)
        return boxes, logits


def flatten_cells(x: Tensor) -> Tensor:
    """`[B,C,h,w]` → `[B,h·w,C]`."""
    return x.flatten(2).transpose(1, 2)


class ExportedDetector(nn.Module):
    """The detector as it is shipped: scores after the sigmoid instead of logits."""

    def __init__(self, detector: Detector):
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        boxes, logits = self.detector(images)
        return boxes, logits.sigmoid()
