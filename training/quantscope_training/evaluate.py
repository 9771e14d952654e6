"""COCO average precision of packed sets, by pycocotools, and latency by ONNX Runtime.

AP is COCO's AP@[.50:.95] with score floor 0.001 and at most 100 boxes a picture, as `quantscope eval` has it.
"""

import contextlib
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from .data import LABELS, PackedSet, to_model
from .model import Detector

SCORE_FLOOR = 0.001
NMS_IOU = 0.65
MOST_BOXES = 100
# More candidates than this never change the result and only cost time.
MOST_CANDIDATES = 400


@dataclass(frozen=True)
class Detections:
    """Of one picture: boxes `[K,4]`, scores `[K]`, classes `[K]`, best first."""

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray


@dataclass(frozen=True)
class Precision:
    ap: float
    ap50: float
    ap75: float


def input_side(packed: PackedSet) -> int:
    """Side in pixels of the squares of a packed set."""
    return packed.images.shape[1]


# Model input `[1,3,S,S]` → boxes `[N,4]` and scores `[N,C]`.
Predictor = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def predict_with_torch(model: Detector, packed: PackedSet) -> list[Detections]:
    """Detections of the PyTorch model in evaluation mode."""

    @torch.inference_mode()
    def run(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        boxes, logits = model(torch.from_numpy(images).contiguous(memory_format=torch.channels_last))
        return boxes[0].numpy(), logits[0].sigmoid().numpy()

    return predict(run, packed)


def open_session(path: Path, threads: int = 1) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def predict_with_onnx(path: Path, packed: PackedSet) -> list[Detections]:
    """Detections of an exported file."""
    session = open_session(path, threads=2)

    def run(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        boxes, scores = session.run(["boxes", "scores"], {"images": images})
        return boxes[0], scores[0]

    return predict(run, packed)


def predict(run: Predictor, packed: PackedSet) -> list[Detections]:
    found = []
    for index in range(len(packed)):
        boxes, scores = run(to_model(packed.images[index : index + 1]))
        left, top, right, bottom = packed.content[index]
        boxes = np.clip(boxes, [left, top, left, top], [right, bottom, right, bottom])
        found.append(select(boxes, scores))
    return found


def select(boxes: np.ndarray, scores: np.ndarray, floor: float = SCORE_FLOOR) -> Detections:
    """Score floor, then greedy suppression within each class."""
    cells, classes = np.nonzero(scores > floor)
    values = scores[cells, classes]
    order = np.argsort(-values, kind="stable")[:MOST_CANDIDATES]
    boxes, values, classes = boxes[cells[order]], values[order], classes[order]
    # Classes are set far apart, so that one suppression does for all of them.
    apart = boxes + classes[:, None] * 10_000.0
    kept = suppress(apart)[:MOST_BOXES]
    return Detections(boxes[kept], values[kept], classes[kept])


def suppress(boxes: np.ndarray) -> np.ndarray:
    """Indices of the boxes that no better box overlaps by more than `NMS_IOU`; boxes come best first."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    area = sides[:, 0] * sides[:, 1]
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    overlap = np.prod(np.maximum(high - low, 0), axis=2)
    iou = overlap / np.maximum(area[:, None] + area[None] - overlap, 1e-9)
    alive = np.ones(len(boxes), bool)
    for index in range(len(boxes)):
        if alive[index]:
            alive[index + 1 :] &= iou[index, index + 1 :] <= NMS_IOU
    return np.nonzero(alive)[0]


def average_precision(found: list[Detections], packed: PackedSet) -> Precision:
    """COCO metrics; pycocotools' own printing is silenced."""
    rows = [
        {"image_id": image, "category_id": int(c) + 1, "bbox": width_height(b), "score": float(s)}
        for image, detections in enumerate(found)
        for b, s, c in zip(detections.boxes, detections.scores, detections.classes)
    ]
    if not rows:
        return Precision(0.0, 0.0, 0.0)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = as_coco(packed)
        evaluation = COCOeval(truth, truth.loadRes(rows), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return Precision(*(float(value) for value in evaluation.stats[:3]))


def width_height(box: np.ndarray) -> list[float]:
    left, top, right, bottom = (float(value) for value in box)
    return [left, top, right - left, bottom - top]


def as_coco(packed: PackedSet) -> COCO:
    """The truth of a packed set as pycocotools wants it."""
    annotations = []
    for image in range(len(packed)):
        for box, label in zip(packed.boxes[image], packed.classes[image]):
            if label >= 0:
                x, y, width, height = width_height(box)
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image,
                        "category_id": int(label) + 1,
                        "bbox": [x, y, width, height],
                        "area": width * height,
                        "iscrowd": 0,
                    }
                )
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": image} for image in range(len(packed))],
        "categories": [{"id": index + 1, "name": name} for index, name in enumerate(LABELS)],
        "annotations": annotations,
    }
    truth.createIndex()
    return truth


def latencies_ms(models: list[tuple[Path, PackedSet]], runs: int = 200) -> list[float]:
    """Median milliseconds of each file on a picture of its set, on one thread, runs interleaved so that all see the same machine.

    Processor time of this thread, which does all the work: other programs on the machine disturb it little.
    """
    sessions = [(open_session(path), {"images": to_model(packed.images[:1])}) for path, packed in models]
    times: list[list[float]] = [[] for _ in models]
    for run in range(runs + 10):
        for (session, image), taken in zip(sessions, times):
            started = time.thread_time()
            session.run(None, image)
            if run >= 10:
                taken.append((time.thread_time() - started) * 1e3)
    return [float(np.median(taken)) for taken in times]
