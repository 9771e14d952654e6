"""The training loop: data-parallel over single-threaded processes, resumable after every epoch.

One process a core with one thread each, instead of one process with several threads: on a machine that
also does other work, threads wait for each other in every operator, processes only once a step.
"""

import copy
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from .assign import assign
from .data import LABELS, Batches, PackedSet, load_packed
from .evaluate import average_precision, predict_with_torch
from .loss import Losses, detection_loss
from .model import INPUT_SIZE, Detector

MASTER_PORT = "29511"
# Later in the training pictures are shown almost as the program will see them.
CALM_PART = 0.2
CALM_STRENGTH = 0.3


@dataclass(frozen=True)
class Recipe:
    """All that decides the result of a training, next to the data."""

    epochs: int
    batch: int = 16  # over all workers
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warm_up_steps: int = 200
    clip_norm: float = 10.0
    average_decay: float = 0.998
    # The first part of the epochs sees smaller windows, which costs half; the rest sees the full input.
    small_size: int = 224
    small_part: float = 0.4
    seed: int = 7

    def input_size(self, epoch: int) -> int:
        return self.small_size if epoch < self.small_part * self.epochs else INPUT_SIZE

    def strength(self, epoch: int) -> float:
        return CALM_STRENGTH if epoch >= (1 - CALM_PART) * self.epochs else 1.0

    def rate(self, step: int, steps: int) -> float:
        """Linear warm-up, then half a cosine down to a fiftieth (Loshchilov & Hutter 2017, arXiv:1608.03983)."""
        warm = min(1.0, (step + 1) / self.warm_up_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))
        return self.learning_rate * warm * (0.02 + 0.98 * cosine)


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


def train(recipe: Recipe, train_folders: list[Path], val_folder: Path, folder: Path, workers: int) -> Path:
    """Trains, or goes on where an earlier run stopped, and returns the checkpoint of the averaged model."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    os.environ["MASTER_PORT"] = MASTER_PORT
    mp.spawn(work, args=(workers, recipe, train_folders, val_folder, folder), nprocs=workers)
    return folder / "checkpoint.pt"


def parameter_groups(model: nn.Module, decay: float) -> list[dict]:
    """Weight decay for convolution weights only, not for biases and normalization."""
    weights = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def work(
    rank: int, workers: int, recipe: Recipe, train_folders: list[Path], val_folder: Path, folder: Path
) -> None:
    """One worker process; the first one also averages, validates, logs and saves."""
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    dist.init_process_group("gloo", rank=rank, world_size=workers)
    batches = Batches(
        [load_packed(path) for path in train_folders], recipe.batch // workers, recipe.seed, rank, workers
    )
    model = Detector(len(LABELS)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(parameter_groups(model, recipe.weight_decay), lr=recipe.learning_rate)
    averaged = AveragedModel(model, recipe.average_decay)
    first_epoch = restore(folder / "checkpoint.pt", model, optimizer, averaged)
    parallel = DistributedDataParallel(model)
    validation = load_packed(val_folder)

    for epoch in range(first_epoch, recipe.epochs):
        started = time.monotonic()
        losses = train_epoch(epoch, recipe, batches, parallel, optimizer, averaged)
        if rank == 0:
            seconds = time.monotonic() - started
            save(folder / "checkpoint.pt", epoch + 1, recipe, model, optimizer, averaged)
            report(folder, epoch, recipe, losses, seconds, batches, averaged.module, validation)
        dist.barrier()
    dist.destroy_process_group()


def train_epoch(
    epoch: int,
    recipe: Recipe,
    batches: Batches,
    parallel: DistributedDataParallel,
    optimizer: torch.optim.Optimizer,
    averaged: AveragedModel,
) -> dict[str, float]:
    """One pass over the pictures; returns the mean losses."""
    model = parallel.module
    size = recipe.input_size(epoch)
    model.set_input_size(size)
    model.train()
    steps = batches.steps()
    sums = {"score": 0.0, "box": 0.0}
    for step, (images, boxes, classes) in enumerate(batches.epoch(epoch, size, recipe.strength(epoch))):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(epoch * steps + step, recipe.epochs * steps)
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
    epoch: int,
    recipe: Recipe,
    losses: dict[str, float],
    seconds: float,
    batches: Batches,
    model: Detector,
    validation: PackedSet,
) -> None:
    """Appends a line to `history.jsonl` and prints it."""
    line = {
        "epoch": epoch + 1,
        "of": recipe.epochs,
        "size": recipe.input_size(epoch),
        "score_loss": round(losses["score"], 4),
        "box_loss": round(losses["box"], 4),
        "seconds": round(seconds),
        "pictures_per_second": round(batches.steps() * recipe.batch / seconds, 1),
    }
    result = average_precision(predict_with_torch(model, validation), validation)
    line |= {"val_ap": round(result.ap, 4), "val_ap50": round(result.ap50, 4)}
    with (folder / "history.jsonl").open("a") as history:
        history.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)


def save(
    path: Path,
    epochs_done: int,
    recipe: Recipe,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    averaged: AveragedModel,
) -> None:
    """Writes beside and renames, so that a killed run leaves the last good checkpoint."""
    state = {
        "epochs_done": epochs_done,
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
    """Loads a checkpoint if there is one; returns how many epochs it has behind it."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    averaged.module.load_state_dict(state["averaged"])
    averaged.updates = state["updates"]
    return state["epochs_done"]


def load_averaged(path: Path) -> Detector:
    """The averaged model of a checkpoint, ready for inference."""
    detector = Detector(len(LABELS))
    detector.load_state_dict(torch.load(path, weights_only=True)["averaged"])
    return detector.eval()
