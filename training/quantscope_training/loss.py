"""What the detector is punished for.

Scores: quality focal loss (Li et al. 2020, arXiv:2006.04388). Boxes: generalized IoU (Rezatofighi et al.
2019, arXiv:1902.09630), weighted by the taught score as in TOOD (arXiv:2108.07755).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .assign import Assignment
from .data import box_area

FOCUS = 2.0
BOX_WEIGHT = 2.0


@dataclass(frozen=True)
class Losses:
    total: Tensor
    score: Tensor
    box: Tensor


def detection_loss(boxes: Tensor, logits: Tensor, assignment: Assignment) -> Losses:
    """Boxes `[B,N,4]` in pixels and class logits `[B,N,C]` against their assignment."""
    taught = assignment.scores
    normalizer = taught.sum().clamp(min=1.0)
    counts = ~assignment.ignored[..., None]
    score = (quality_focal_loss(logits, taught) * counts).sum() / normalizer
    weight = taught.sum(dim=2)[assignment.positive]
    overlap = generalized_iou(boxes[assignment.positive], assignment.boxes[assignment.positive])
    box = ((1 - overlap) * weight).sum() / normalizer
    return Losses(score + BOX_WEIGHT * box, score.detach(), box.detach())


def quality_focal_loss(logits: Tensor, taught: Tensor) -> Tensor:
    """Cross entropy against soft targets, weighted by how far off the score still is."""
    distance = (taught - logits.sigmoid()).abs().pow(FOCUS)
    return F.binary_cross_entropy_with_logits(logits, taught, reduction="none") * distance


def generalized_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU of `[K,4]` pairs, minus the share of their hull that neither covers; -1…1."""
    (low, high), (other_low, other_high) = boxes.split(2, dim=1), others.split(2, dim=1)
    overlap = box_area(torch.cat([torch.maximum(low, other_low), torch.minimum(high, other_high)], dim=1))
    hull = box_area(torch.cat([torch.minimum(low, other_low), torch.maximum(high, other_high)], dim=1))
    union = (box_area(boxes) + box_area(others) - overlap).clamp(min=1e-6)
    return overlap / union - (hull - union) / hull.clamp(min=1e-6)
