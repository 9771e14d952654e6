"""Writes handmade.json: a small labelled set that is hard on the rules, and what pycocotools says of it.

Development only: `pip install pycocotools numpy`, then `python tests/metrics/make_handmade.py`. The set has ignored
regions, objects of all three sizes, an area that differs from that of the box, equal scores, several boxes on one
object, more than a hundred boxes of a class on one picture, a class without objects, a class without detections and
pictures whose ids do not rise.
"""

import contextlib
import io
import json
import pathlib

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

FIGURES = ["ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large"]
random = np.random.default_rng(20)


def box(side):
    width, height = side * random.uniform(0.6, 1.6, 2)
    return [round(float(v), 2) for v in (random.uniform(0, 500), random.uniform(0, 350), width, height)]


def moved(bbox, by):
    x, y, w, h = bbox
    dx, dy, dw, dh = random.normal(0, by, 4)
    return [round(float(v), 2) for v in (x + dx * w, y + dy * h, max(w * (1 + dw), 1), max(h * (1 + dh), 1))]


def make():
    classes = ["car", "person", "sign", "never labelled", "never found"]
    pictures, detections = [], []
    for index, picture_id in enumerate([40, 7, 19, 3, 88, 21, 64, 5, 11, 90, 2, 33, 57, 14]):
        objects, found = [], []
        for _ in range(int(random.integers(0, 9))):
            kind = int(random.choice([0, 1, 2, 4], p=[0.4, 0.35, 0.2, 0.05]))
            bbox = box(float(random.choice([18, 50, 140])))
            area = bbox[2] * bbox[3] * float(random.choice([1.0, 0.55]))
            ignored = bool(random.random() < 0.12)
            objects.append([kind, *bbox, round(area, 3), int(ignored)])
            for _ in range(int(random.integers(0, 4)) + 3 * ignored):
                if kind != 4:
                    seen = kind if random.random() < 0.85 else int(random.choice([0, 1, 2]))
                    # Two digits: equal scores are frequent.
                    found.append([seen, round(float(random.uniform(0.05, 0.99)), 2), *moved(bbox, 0.09)])
        for _ in range(int(random.integers(0, 5))):
            found.append([int(random.choice([0, 1, 2, 3])), round(float(random.uniform(0.01, 0.6)), 2), *box(60.0)])
        if index == 4:
            found += [[1, round(float(random.uniform(0.01, 0.9)), 2), *box(40.0)] for _ in range(130)]
        pictures.append({"id": picture_id, "objects": objects})
        detections.append(found)
    return classes, pictures, detections


def evaluate(classes, pictures, detections):
    truth = {"images": [{"id": p["id"], "width": 640, "height": 480} for p in pictures], "annotations": []}
    truth["categories"] = [{"id": i + 1, "name": name} for i, name in enumerate(classes)]
    results = []
    for picture, found in zip(pictures, detections):
        for kind, x, y, w, h, area, ignored in picture["objects"]:
            entry = {"id": len(truth["annotations"]) + 1, "image_id": picture["id"], "category_id": kind + 1}
            truth["annotations"].append(entry | {"bbox": [x, y, w, h], "area": area, "iscrowd": ignored})
        for kind, score, *bbox in found:
            results.append({"image_id": picture["id"], "category_id": kind + 1, "score": score, "bbox": bbox})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(results), "bbox")
        run.evaluate(), run.accumulate(), run.summarize()
    precision, recall = run.eval["precision"], run.eval["recall"]
    mean = lambda values: float(np.mean(values[values > -1])) if (values > -1).any() else None
    none = lambda value: None if value < 0 else float(value)
    return {
        "coco": dict(zip(FIGURES, map(none, run.stats))),
        "classes": [
            {
                "name": name,
                "ap": mean(precision[:, :, k, 0, 2]),
                "ap50": mean(precision[0, :, k, 0, 2]),
                "ar100": mean(recall[:, k, 0, 2]),
            }
            for k, name in enumerate(classes)
        ],
        "precision_recall": [mean(precision[0, r, :, 0, 2]) for r in range(101)],
    }


classes, pictures, detections = make()
expected = evaluate(classes, pictures, detections)
subset = [0, 2]
keep = lambda rows: [row for row in rows if row[0] in subset]
expected_subset = evaluate(
    classes,
    [p | {"objects": keep(p["objects"])} for p in pictures],
    [keep(found) for found in detections],
)
out = {
    "classes": classes,
    "pictures": pictures,
    "detections": detections,
    "expected": expected,
    "subset": subset,
    "expected_subset": expected_subset["coco"],
}
path = pathlib.Path(__file__).with_name("handmade.json")
path.write_text(json.dumps(out, separators=(",", ":")).replace("],[", "],\n[").replace("},{", "},\n{") + "\n")
