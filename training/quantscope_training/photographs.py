"""Stop signs in photographs: the only class of the detector that COCO labels the same way.

A folder holds `images/<split>/*.jpg` and `labels/<split>/*.txt` in YOLO form with COCO's classes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from . import evaluate
from .data import letterbox, to_model

COCO_STOP_SIGN = 11
COCO_TRAFFIC_LIGHT = 9
STOP = 0
TRAFFIC_LIGHT = 11
SCORE = 0.4
# Lower ones, in pixels of the photograph, are not counted.
LEAST_HEIGHT_PX = 32
SAME_PLACE_IOU = 0.5


@dataclass(frozen=True)
class Photographs:
    """Counts over all photographs of a folder."""

    stop_signs: int
    found: int
    without_stop_sign: int
    # Photographs without a stop sign in which any sign is seen that is no labelled traffic light.
    with_false_sign: int

    def __str__(self) -> str:
        return (
            f"{self.found} of {self.stop_signs} stop signs found, a false sign in {self.with_false_sign} of "
            f"{self.without_stop_sign} other photographs"
        )


def examine(model: Path, folder: Path) -> Photographs:
    session = evaluate.open_session(model)
    signs = found = others = false = 0
    for path in sorted(folder.glob("images/*/*.jpg")):
        labels = folder / "labels" / path.parent.name / f"{path.stem}.txt"
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        packed, content = letterbox(picture)
        boxes, scores = session.run(["boxes", "scores"], {"images": to_model(packed[None])})
        seen = evaluate.select(boxes[0], scores[0], SCORE)
        # Without a file there is nothing in the picture that COCO knows.
        lines = labels.read_text().splitlines() if labels.exists() else []
        truth = np.array([line.split()[:5] for line in lines], float).reshape(-1, 5)
        stops = truth[truth[:, 0] == COCO_STOP_SIGN]
        stops = stops[stops[:, 4] * picture.height > LEAST_HEIGHT_PX]
        signs += len(stops)
        found += sum(is_seen(row, STOP, seen, content) for row in stops)
        if not (truth[:, 0] == COCO_STOP_SIGN).any():
            others += 1
            lights = truth[truth[:, 0] == COCO_TRAFFIC_LIGHT]
            true_lights = sum(is_seen(row, TRAFFIC_LIGHT, seen, content) for row in lights)
            false += len(seen.scores) > true_lights
    return Photographs(signs, found, others, false)


def is_seen(row: np.ndarray, label: int, seen: evaluate.Detections, content: tuple[int, int, int, int]) -> bool:
    """Whether a labelled box (class, middle, width and height as shares) has a detection of `label` in its place."""
    left, top, right, bottom = content
    size = np.array([right - left, bottom - top])
    middle, sides = np.array([left, top]) + row[1:3] * size, row[3:5] * size
    box = np.concatenate([middle - sides / 2, middle + sides / 2])
    own = seen.boxes[seen.classes == label]
    low, high = np.maximum(own[:, :2], box[:2]), np.minimum(own[:, 2:], box[2:])
    overlap = np.prod(np.maximum(high - low, 0), axis=1)
    union = np.prod(own[:, 2:] - own[:, :2], axis=1) + np.prod(sides) - overlap
    return bool((overlap / union >= SAME_PLACE_IOU).any())
