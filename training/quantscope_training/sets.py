"""Which pictures are rendered for what; every one follows from these numbers."""

from dataclasses import replace
from pathlib import Path

from .data import SceneSet, prepare

# A round of training goes over one shard; more of them than this no longer change what is learnt.
SHARDS = 4
# How often the network goes over a shard until the learning rate has come down.
ROUNDS = 40


def shard(number: int) -> tuple[SceneSet, ...]:
    """Square pictures, and wide ones that shrink into the letterbox as frames of cameras and videos do."""
    return (
        SceneSet(f"square-{number}", 8000, 1001 + 10 * number, "320x320"),
        SceneSet(f"wide-{number}", 800, 1002 + 10 * number, "960x540"),
        SceneSet(f"camera-{number}", 800, 1003 + 10 * number, "640x480"),
    )


# Chooses among ways to quantize and shows progress.
VALIDATION = SceneSet("validation", 300, 103, "320x320")
# Ranges of the quantized files.
CALIBRATION = SceneSet("calibration", 240, 104, "320x320")
# Seen by nothing but the final table.
FINAL = {
    "square": SceneSet("final", 500, 20261123),
    "wide": SceneSet("final-wide", 500, 20261124, "1280x720"),
}
# Side of what the variant for small signs sees, in pixels; the weights are the same.
LARGE_INPUT = 640


def enlarged(scenes: SceneSet) -> SceneSet:
    """The same pictures, packed for the variant for small signs."""
    return replace(scenes, name=f"{scenes.name}-{LARGE_INPUT}", input_size=LARGE_INPUT)


# Not in __main__.py: a new process does not import that one, and could not find the function there.
def render_the_rest(generator: str, data: Path) -> None:
    for number in range(1, SHARDS):
        prepare(list(shard(number)), generator, data)
