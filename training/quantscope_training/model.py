"""The detector: a small residual backbone of dense convolutions, a feature pyramid and an anchor-free decoupled head.

Backbone: residual blocks of two 3x3 convolutions (He et al. 2015, arXiv:1512.03385) with ReLU6 (Sandler et al.
2018, arXiv:1801.04381), whose outputs all lie in 0…6, so that unsigned 8-bit numbers hold them without a zero point.
Neck: top-down feature pyramid with additions (Lin et al. 2017, arXiv:1612.03144).
Head: one prediction a grid cell, boxes as distances to the four edges (FCOS, Tian et al. 2019,
arXiv:1904.01355), separate branches for boxes and classes (YOLOX, Ge et al. 2021, arXiv:2107.08430).

Everything between the picture and the prediction convolutions is Conv + ReLU6, Add + ReLU6 or nearest
upsampling, all of which have integer kernels in ONNX Runtime.

Dense convolutions, not MobileNetV2's depthwise ones: an integer matrix product is three times as fast as a float
one, an integer depthwise convolution slower than a float one (ONNX Runtime 1.32, AVX512-VNNI).
"""

import math

import torch
from torch import Tensor, nn

INPUT_SIZE = 320
STRIDES = (8, 16, 32)
NECK_CHANNELS = 64
# Two 3x3 layers with stride 2 keep the strokes of digits on signs of a dozen pixels apart; few channels, as integer
# kernels pay for every output pixel of the first layer, however little there is to compute.
STEM_CHANNELS = 16
# Each stage: (channels, residual blocks). The first has stride 4, each later one twice the stride before it. Widths
# are multiples of 16: others cost the integer kernels up to three times as much.
STAGES = (
    (32, 2),  # 80x80
    (64, 2),  # 40x40, to the neck
    (96, 2),  # 20x20, to the neck
    (128, 1),  # 10x10, to the neck
)
NECK_STAGES = (1, 2, 3)
PRIOR_SCORE = 0.01
# exp() of this is 55 strides, wider than any picture; the clamp keeps early training finite.
MAX_LOG_DISTANCE = 4.0


class ConvBnAct(nn.Sequential):
    """Convolution without bias, batch normalization, and ReLU6 unless `activate` is false."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, activate: bool = True):
        layers = [
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs, momentum=0.03),
        ]
        if activate:
            layers.append(nn.ReLU6(inplace=True))
        super().__init__(*layers)


class Residual(nn.Module):
    """Two 3x3 convolutions; their result is added to the input."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = ConvBnAct(channels, channels, 3)
        self.second = ConvBnAct(channels, channels, 3, activate=False)
        self.activation = nn.ReLU6(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.second(self.first(x)) + x)


class Backbone(nn.Module):
    """`[B,3,H,W]` in 0…1 → features at strides 8, 16 and 32."""

    def __init__(self):
        super().__init__()
        self.stem = ConvBnAct(3, STEM_CHANNELS, 3, 2)
        channels = STEM_CHANNELS
        self.stages = nn.ModuleList()
        for outputs, blocks in STAGES:
            stage = nn.Sequential(ConvBnAct(channels, outputs, 3, 2))
            for _ in range(blocks):
                stage.append(Residual(outputs))
            self.stages.append(stage)
            channels = outputs

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
        self.merges = nn.ModuleList(ConvBnAct(NECK_CHANNELS, NECK_CHANNELS, 3) for _ in NECK_STAGES)
        self.sums = nn.ModuleList(nn.ReLU6(inplace=True) for _ in NECK_STAGES[:-1])
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        merged: list[Tensor] = []
        for level in reversed(range(len(features))):
            x = self.laterals[level](features[level])
            if merged:
                x = self.sums[level](x + self.upsample(merged[0]))
            merged.insert(0, self.merges[level](x))
        return merged


class Head(nn.Module):
    """One pyramid level → logits of distances `[B,4,h,w]` and of classes `[B,C,h,w]`."""

    def __init__(self, classes: int):
        super().__init__()
        self.box_branch = ConvBnAct(NECK_CHANNELS, NECK_CHANNELS, 1)
        self.class_branch = ConvBnAct(NECK_CHANNELS, NECK_CHANNELS, 1)
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
