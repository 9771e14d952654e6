"""Which grid cells answer for which sign: task-aligned assignment.

TOOD, Feng et al. 2021, arXiv:2108.07755, section 3.2: a cell inside a sign is rated by
`score^ALPHA · IoU^BETA` of its own present prediction, the best `TOP_CELLS` of every sign are positive, and
the score they are taught is that rating, rescaled so that the sign's best cell is taught its best IoU.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .data import IGNORED, box_area

ALPHA = 0.5
BETA = 6.0
TOP_CELLS = 10


@dataclass(frozen=True)
class Assignment:
    """For B pictures of N cells."""

    positive: Tensor  # bool [B,N]
    boxes: Tensor  # float [B,N,4], valid where positive
    scores: Tensor  # float [B,N,C], zero elsewhere
    ignored: Tensor  # bool [B,N], cells of signs that do not count


def pairwise_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """`[B,M,4]` and `[B,N,4]` → `[B,M,N]`."""
    low = torch.maximum(boxes[:, :, None, :2], others[:, None, :, :2])
    high = torch.minimum(boxes[:, :, None, 2:], others[:, None, :, 2:])
    overlap = (high - low).clamp(min=0).prod(dim=3)
    union = box_area(boxes)[:, :, None] + box_area(others)[:, None] - overlap
    return overlap / union.clamp(min=1e-9)


@torch.no_grad()
def assign(centres: Tensor, boxes: Tensor, scores: Tensor, true_boxes: Tensor, true_classes: Tensor) -> Assignment:
    """Centres `[N,2]`, predictions `[B,N,4]` and `[B,N,C]` in 0…1, truth `[B,M,4]` and `[B,M]` (-1: none, -2: ignored)."""
    exists = true_classes >= 0
    inside = torch.minimum(
        (centres - true_boxes[:, :, None, :2]).amin(dim=3),
        (true_boxes[:, :, None, 2:] - centres).amin(dim=3),
    ).gt(0)
    ignored = (inside & (true_classes == IGNORED)[:, :, None]).any(dim=1)
    inside &= exists[:, :, None]
    iou = pairwise_iou(true_boxes, boxes) * inside
    class_rows = true_classes.clamp(min=0)[:, :, None].expand(-1, -1, scores.shape[1])
    own_scores = scores.transpose(1, 2).gather(1, class_rows)
    rating = own_scores.pow(ALPHA) * iou.pow(BETA) * inside

    # The small constant lets cells with no overlap yet be chosen, so that a fresh network learns at all.
    ranked = torch.where(inside, rating + 1e-9, torch.zeros_like(rating))
    best = ranked.topk(min(TOP_CELLS, ranked.shape[2]), dim=2)
    chosen = torch.zeros_like(inside).scatter_(2, best.indices, best.values > 0)

    # A cell chosen by several signs goes to the one it overlaps most.
    contested = torch.where(chosen, iou, torch.full_like(iou, -1.0))
    owner = contested.argmax(dim=1)
    chosen &= torch.arange(chosen.shape[1])[None, :, None] == owner[:, None]
    positive = chosen.any(dim=1)

    rating = rating * chosen
    best_rating = rating.amax(dim=2, keepdim=True)
    best_iou = (iou * chosen).amax(dim=2, keepdim=True)
    quality = (rating / best_rating.clamp(min=1e-9) * best_iou).amax(dim=1)

    owned_classes = true_classes.gather(1, owner).clamp(min=0)
    taught = torch.zeros_like(scores).scatter_(2, owned_classes[..., None], (quality * positive)[..., None])
    owned_boxes = true_boxes.gather(1, owner[..., None].expand(-1, -1, 4))
    return Assignment(positive, owned_boxes, taught, ignored & ~positive)
