"""Loss and validation AP over the rounds as one small picture."""

import json
from pathlib import Path

from PIL import Image, ImageDraw

SIZE = (640, 300)
MARGIN = (44, 16, 44, 28)
LOSS_INK, AP_INK, GREY = (200, 90, 40), (30, 100, 190), (150, 150, 150)


def history(folder: Path) -> list[dict]:
    """The lines of a run's `history.jsonl`; of a round that was repeated only the last."""
    path = folder / "history.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return list({line["round"]: line for line in lines}.values())


def write(path: Path, *folders: Path) -> None:
    """Draws the runs one after the other: loss (left axis) and validation AP (right axis)."""
    runs = [history(folder) for folder in folders]
    lines = [line for run in runs for line in run]
    if not lines:
        return
    left, top, right, bottom = MARGIN
    width, height = SIZE[0] - left - right, SIZE[1] - top - bottom
    most = max(line["score_loss"] + line["box_loss"] for line in lines)

    def x(index: int) -> float:
        return left + width * (index + 0.5) / len(lines)

    def y(share: float) -> float:
        return top + height * (1 - share)

    picture = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((left, top, left + width, top + height), outline=GREY)
    for step in range(0, 11, 2):
        pen.line((left, y(step / 10), left + width, y(step / 10)), fill=(230, 230, 230))
        pen.text((6, y(step / 10) - 6), f"{most * step / 10:.2f}", fill=LOSS_INK)
        pen.text((left + width + 8, y(step / 10) - 6), f"{step / 10:.1f}", fill=AP_INK)
    losses = [(x(k), y((line["score_loss"] + line["box_loss"]) / most)) for k, line in enumerate(lines)]
    pen.line(losses, fill=LOSS_INK, width=2)
    for key, radius in (("val_ap", 3), ("val_ap50", 2)):
        points = [(x(k), y(line[key])) for k, line in enumerate(lines) if key in line]
        pen.line(points, fill=AP_INK, width=2 if key == "val_ap" else 1)
        for px, py in points:
            pen.ellipse((px - radius, py - radius, px + radius, py + radius), fill=AP_INK)
    if runs[-1] and len(runs) > 1:
        edge = left + width * (len(lines) - len(runs[-1])) / len(lines)
        pen.line((edge, top, edge, top + height), fill=GREY)
        pen.text((edge + 4, top + 2), "QAT", fill=GREY)
    pen.text((left, SIZE[1] - 18), f"training loss (left), validation AP and AP50 (right), {len(lines)} rounds", fill=(60, 60, 60))
    picture.save(path, optimize=True)
