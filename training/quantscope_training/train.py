"""The training loop: data-parallel over single-threaded processes, resumable after every round.

One process a core with one thread each, instead of one process with several threads: on a machine that
also does other work, threads wait for each other in every operator, processes only once a step.
"""

import copy
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from . import qat
from .assign import assign
from .data import LABELS, Batches, PackedSet, load_packed, to_model
from .evaluate import average_precision, predict_with_torch
from .loss import Losses, detection_loss
from .model import INPUT_SIZE, Detector

MASTER_PORT = "29511"
# Later in the training pictures are shown almost as the program will see them.
CALM_PART = 0.2
CALM_STRENGTH = 0.3
# Validation costs as much as a tenth of a round.
VALIDATE_EVERY = 5
# How often a worker looks whether the next pictures are there.
POLL_S = 2.0
# Pictures that give the quantizers their first ranges.
FIRST_RANGES = 64
# Learning rate of the quantizers' steps, as a share of all else's.
STEP_RATE = 0.03


@dataclass(frozen=True)
class Recipe:
    """All that decides the result of a training, next to the data."""

    rounds: int
    batch: int = 32  # over all workers
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    warm_up_steps: int = 300
    clip_norm: float = 10.0
    average_decay: float = 0.9985
    # The first part of the rounds sees smaller windows, which costs half; the rest sees the full input.
    small_size: int = 224
    small_part: float = 0.6
    seed: int = 7
    # Goes on from another training's averaged model, with 8-bit rounding (qat.py).
    quantized: bool = False

    def input_size(self, number: int) -> int:
        return self.small_size if number < self.small_part * self.rounds else INPUT_SIZE

    def strength(self, number: int) -> float:
        return CALM_STRENGTH if self.quantized or number >= (1 - CALM_PART) * self.rounds else 1.0

    def rate(self, progress: float, steps_done: int) -> float:
        """Linear warm-up, then half a cosine down to a hundredth (Loshchilov & Hutter 2017, arXiv:1608.03983)."""
        warm = min(1.0, (steps_done + 1) / self.warm_up_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
        return self.learning_rate * warm * (0.01 + 0.99 * cosine)

    def is_validated(self, number: int) -> bool:
        return (number + 1) % VALIDATE_EVERY == 0 or number + 1 == self.rounds


class AveragedModel:
    """Exponential moving average of all parameters and statistics; short-sighted at first."""

    def __init__(self, model: nn.Module, decay: float):
        self.module = copy.deepcopy(model).eval()
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.updates += 1
        decay = self.decay * (1 - math.exp(-self.updates / 300))
        for mine, theirs in zip(self.module.state_dict().values(), model.state_dict().values()):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - decay)


# A short fine-tuning at the full size: the network has all but learnt, it only has to live with rounding.
QUANTIZED_RECIPE = Recipe(
    rounds=3, learning_rate=1e-4, weight_decay=0.0, warm_up_steps=30, average_decay=0.998, small_part=0.0, quantized=True
)


def train(
    recipe: Recipe, shards: list[list[Path]], val_folder: Path, folder: Path, workers: int, start: Path | None = None
) -> Path:
    """Trains, or goes on where an earlier run stopped, and returns the checkpoint of the averaged model.

    A round goes over the packed sets of one shard; `shards` are used in turn. A set that is still being rendered is
    waited for. A quantized recipe begins from the averaged model of the checkpoint `start`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    os.environ["MASTER_PORT"] = MASTER_PORT
    mp.spawn(work, args=(workers, recipe, shards, val_folder, folder, start), nprocs=workers)
    return folder / "checkpoint.pt"


def parameter_groups(model: nn.Module, decay: float) -> list[dict]:
    """Weight decay for convolution weights only, and a small rate for the quantizers' steps.

    AdamW moves every number by about the rate, whatever its size, and a step is a fiftieth of a typical weight.
    """
    steps = [p for name, p in model.named_parameters() if name.endswith(".step")]
    weights = [p for p in model.parameters() if p.dim() > 1]
    others = [p for name, p in model.named_parameters() if p.dim() <= 1 and not name.endswith(".step")]
    groups = [(weights, decay, 1.0), (others, 0.0, 1.0), (steps, 0.0, STEP_RATE)]
    return [{"params": p, "weight_decay": d, "rate_share": s} for p, d, s in groups if p]


def work(
    rank: int,
    workers: int,
    recipe: Recipe,
    shards: list[list[Path]],
    val_folder: Path,
    folder: Path,
    start: Path | None,
) -> None:
    """One worker process; the first one also averages, validates, logs and saves."""
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    dist.init_process_group("gloo", rank=rank, world_size=workers, timeout=timedelta(hours=1))
    model = Detector(len(LABELS)) if start is None else begin_rounding(start, wait_for(shards[0][0]))
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(parameter_groups(model, recipe.weight_decay), lr=recipe.learning_rate, fused=True)
    averaged = AveragedModel(model, recipe.average_decay)
    first = restore(folder / "checkpoint.pt", model, optimizer, averaged)
    parallel = DistributedDataParallel(model)

    for number in range(first, recipe.rounds):
        sets = [wait_for(path) for path in shards[number % len(shards)]]
        batches = Batches(sets, recipe.batch // workers, recipe.seed, rank, workers)
        started = time.monotonic()
        losses = train_round(number, recipe, batches, parallel, optimizer, averaged)
        if rank == 0:
            seconds = time.monotonic() - started
            save(folder / "checkpoint.pt", number + 1, recipe, model, optimizer, averaged)
            validation = load_packed(val_folder) if recipe.is_validated(number) else None
            report(folder, number, recipe, losses, seconds, batches, averaged.module, validation)
        dist.barrier()
    dist.destroy_process_group()


def begin_rounding(start: Path, packed: PackedSet) -> Detector:
    """The averaged model of a checkpoint with fake quantizers, their first ranges taken from some pictures."""
    model = qat.with_fake_quantizers(load_averaged(start))
    pictures = [torch.from_numpy(to_model(packed.images[k : k + 8])) for k in range(0, FIRST_RANGES, 8)]
    qat.calibrate(model, pictures)
    return model


def wait_for(folder: Path) -> PackedSet:
    """A packed set, once it is there."""
    while not (folder / "truth.npz").exists():
        time.sleep(POLL_S)
    return load_packed(folder)


def train_round(
    number: int,
    recipe: Recipe,
    batches: Batches,
    parallel: DistributedDataParallel,
    optimizer: torch.optim.Optimizer,
    averaged: AveragedModel,
) -> dict[str, float]:
    """One pass over the pictures of a shard; returns the mean losses."""
    model = parallel.module
    size = recipe.input_size(number)
    model.set_input_size(size)
    model.train()
    steps = batches.steps()
    sums = {"score": 0.0, "box": 0.0}
    for step, (images, boxes, classes) in enumerate(batches.round(number, size, recipe.strength(number))):
        rate = recipe.rate((number + step / steps) / recipe.rounds, averaged.updates)
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("rate_share", 1.0)
        losses = forward(parallel, images, boxes, classes)
        optimizer.zero_grad(set_to_none=True)
        losses.total.backward()
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
        optimizer.step()
        averaged.update(model)
        sums["score"] += losses.score.item()
        sums["box"] += losses.box.item()
    return {name: total / max(1, steps) for name, total in sums.items()}


def forward(parallel: DistributedDataParallel, images: Tensor, boxes: Tensor, classes: Tensor) -> Losses:
    """Predicts in bfloat16, assigns and computes the losses in float32."""
    with torch.autocast("cpu", torch.bfloat16):
        predicted, logits = parallel(images.contiguous(memory_format=torch.channels_last))
    centres = parallel.module.centres
    assignment = assign(centres, predicted.detach(), logits.detach().sigmoid(), boxes, classes)
    return detection_loss(predicted, logits, assignment)


def report(
    folder: Path,
    number: int,
    recipe: Recipe,
    losses: dict[str, float],
    seconds: float,
    batches: Batches,
    model: Detector,
    validation: PackedSet | None,
) -> None:
    """Appends a line to `history.jsonl` and prints it."""
    line = {
        "round": number + 1,
        "of": recipe.rounds,
        "size": recipe.input_size(number),
        "score_loss": round(losses["score"], 4),
        "box_loss": round(losses["box"], 4),
        "seconds": round(seconds),
        "pictures_per_second": round(batches.steps() * recipe.batch / seconds, 1),
    }
    if validation is not None:
        model.set_input_size(INPUT_SIZE)
        result = average_precision(predict_with_torch(model, validation), validation)
        line |= {"val_ap": round(result.ap, 4), "val_ap50": round(result.ap50, 4)}
    with (folder / "history.jsonl").open("a") as history:
        history.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)


def save(
    path: Path,
    rounds_done: int,
    recipe: Recipe,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    averaged: AveragedModel,
) -> None:
    """Writes beside and renames, so that a killed run leaves the last good checkpoint."""
    state = {
        "rounds_done": rounds_done,
        "recipe": asdict(recipe),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "averaged": averaged.module.state_dict(),
        "updates": averaged.updates,
    }
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


def restore(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, averaged: AveragedModel) -> int:
    """Loads a checkpoint if there is one; returns how many rounds it has behind it."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    averaged.module.load_state_dict(state["averaged"])
    averaged.updates = state["updates"]
    return state["rounds_done"]


def load_averaged(path: Path, quantized: bool = False) -> Detector:
    """The averaged model of a checkpoint, ready for inference; `quantized` tells what kind of training it is from."""
    detector = Detector(len(LABELS))
    if quantized:
        qat.with_fake_quantizers(detector)
    detector.load_state_dict(torch.load(path, weights_only=True)["averaged"])
    return detector.eval()
