"""Trains step by step; a run that stops resumes from its last saved state and gives the same result."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ..files.storage import replacing
from ..model import CvtForImageClassification
from .batches import Batches
from .cuda.ahead import Ahead
from .cuda.captured import CapturedGradients
from .distributed import World, gradients_stay
from .precision import prepare
from .progress import Progress
from .recipe import Recipe

STEPS_WORTH_COMPILING = 500  # steps: compiling takes about 80 s per side, which pays only with this many
MODELS_COMPILED = 64  # in one process; PyTorch's own limit is 8
REPORTS, STEPS_APART = 200, 50  # reports per run, or more if they would be further apart


class Diverged(ValueError):
    """The loss or a weight became NaN or infinite."""


class NotSaved(ValueError):
    """A state could not be written."""


def compile_for_gpu(model: nn.Module) -> None:
    """Compiles the model in place, as a whole rather than split for DistributedDataParallel's buckets."""
    torch._dynamo.config.optimize_ddp = False
    torch._dynamo.config.recompile_limit = MODELS_COMPILED
    model.compile(dynamic=False)


class Trainer:
    """A model in training, the moving average of its weights, and the current step.

    Args:
        model: trained in place. precision: as returned by ``choose_precision``.
        state: the file to resume from and to write.
        identity: values, by name, that must equal the state's for the run to resume.
        teacher: a trained model with the same classes to distil from (arXiv 2106.05237).
        compiled: whether long trainings on a GPU compile the model; their passes are replayed as graphs in any case.
    Raises:
        ValueError: the state in the file is another training run's.
    """

    def __init__(
        self,
        model: CvtForImageClassification,
        batches: Batches,
        recipe: Recipe,
        state: Path,
        precision: str = "float32",
        world: World | None = None,
        identity: dict[str, Any] | None = None,
        teacher: CvtForImageClassification | None = None,
        compiled: bool = True,
    ):
        self.device, self.world = model.device, world or World()
        self.model = model.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).eval()
        self.autocast = prepare(self.model, precision, self.device)
        self.optimizers = recipe.optimizers(self.model)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "float16")
        self.batches, self.recipe, self.state, self.identity = batches, recipe, state, identity or {}
        self.steps, self.step = len(batches.plan), 0
        self.seconds = 0.0  # spent training, over all parts of the run
        pairs = list(zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True))
        self._averaged = tuple(zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True))
        self._counters = tuple(zip(*(pair for pair in pairs if not pair[0].is_floating_point()), strict=True))  # of BatchNorm
        if state.exists():
            self._resume()
        self.world.wait()  # no process may write while another still reads
        self.teacher = None if teacher is None else teacher.to(memory_format=torch.channels_last).eval().requires_grad_(False)
        self._captured: CapturedGradients | None = None
        self._next_batch: Callable[[int, int], tuple[Tensor, Tensor]] = batches
        if self.device.type == "cuda" and self.steps - self.step >= STEPS_WORTH_COMPILING:  # little to gain on a CPU
            for each in filter(None, (self.model, self.teacher) if compiled else ()):
                compile_for_gpu(each)
            if recipe.accumulate == 1 and not self.scaler.is_enabled():  # whose scale changes from step to step
                self._captured, self._next_batch = CapturedGradients(self.model, self._gradients), Ahead(batches)
        if self._captured:
            self.world.same(self.model)
        self._shared = self.model if self._captured else self.world.share(self.model)

    def run(
        self,
        report: Callable[[Progress], None],
        accuracy: Callable[[nn.Module, int], tuple[float, float | None]] | None = None,
        measurements: int = 10,
        save_every: float = 60,
        seconds: float = float("inf"),
    ) -> bool:
        """Trains to the end, or for at most ``seconds``; ``average`` then holds the result so far.

        Args:
            report: called every few steps, in the first process.
            accuracy: (top-1, top-5) of the average at an input side; called ``measurements`` times during training.
            save_every: seconds between saved states.
        Returns:
            Whether the end was reached.
        Raises:
            Diverged: the loss or a weight became NaN or infinite.
            NotSaved: a state could not be written.
        """
        every = min(-(-self.steps // REPORTS), STEPS_APART)
        measured = -(-self.steps // measurements) if accuracy and measurements else self.steps + 1
        began = saved = reported = counted = time.monotonic()
        tally, since = torch.zeros(2, device=self.device), self.step
        while self.step < self.steps:
            tally += self.train_step()
            last, due = self.step == self.steps, False
            if self.step % every == 0 or last:
                loss, right = (self.world.total(tally) / (self.step - since) / self.world.size).tolist()
                speed = (self.step - since) * self.batches.size / (time.monotonic() - reported)
                self._check(loss)
                if self.world.first:
                    side, rate = max(self.batches.plan[since : self.step]), self.optimizers[0].param_groups[0]["lr"]
                    held_out = accuracy(self.average, side) if accuracy and self.step % measured < every and not last else (None, None)
                    report(Progress(self.step, self.steps, side, loss, right, rate, speed, *held_out))
                reported, since = time.monotonic(), self.step
                tally.zero_()
                due = self.world.agree(reported - began > seconds)
            if last or due or time.monotonic() - saved > save_every:
                self.seconds, counted = self.seconds + time.monotonic() - counted, time.monotonic()
                self.save()
                saved = time.monotonic()
            if due:
                break
        return self.step == self.steps

    def train_step(self) -> Tensor:
        """One step; returns the loss and the accuracy on this process's pictures, (2,)."""
        self.model.train()
        tally = self._accumulated_gradients() if self._captured is None else self._captured_gradients(self._captured)
        for optimizer in self.optimizers:
            self.scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        share = self.recipe.share_of_rate(self.step, self.steps)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["rate"] * share
            self.scaler.step(optimizer)
            optimizer.zero_grad(set_to_none=True)
        self.scaler.update()
        get_ema_multi_avg_fn(self.recipe.memory(self.step))(*self._averaged, None)
        if self._counters:
            torch._foreach_copy_(*self._counters)
        self.step += 1
        return tally

    def _accumulated_gradients(self) -> Tensor:
        """The gradients of one step, accumulated over the parts of its batch; returns as ``train_step``."""
        parts, tally = self.recipe.accumulate, torch.zeros(2, device=self.device)
        for part in range(parts):
            with gradients_stay(self._shared, part + 1 < parts):
                loss, right = self._loss(*self._batch(self.world.rank * parts + part))
                self.scaler.scale(loss / parts).backward()
            tally += torch.stack((loss.detach(), right)) / parts
        return tally

    def _captured_gradients(self, captured: CapturedGradients) -> Tensor:
        """The same for the whole batch, by replaying a CUDA graph."""
        tally = captured(*self._batch(self.world.rank))
        self.world.average([parameter.grad for parameter in self.model.parameters() if parameter.grad is not None])
        return tally

    def _gradients(self, x: Tensor, targets: Tensor) -> Tensor:
        """The captured part: this process's gradients for a batch; returns as ``train_step``."""
        loss, right = self._loss(x, targets)
        loss.backward()
        return torch.stack((loss.detach(), right))

    def _batch(self, part: int) -> tuple[Tensor, Tensor]:
        """One part of this step's batch; seeds the random numbers of its pass from the step."""
        batch = self._next_batch(self.step, part)
        torch.manual_seed(self.batches.seed(self.step, part))  # of dropout and stochastic depth
        return batch

    def _loss(self, x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The loss and the accuracy on these pictures."""
        with self.autocast:
            logits = self._shared(x).logits.float()
            with torch.no_grad():
                taught = None if self.teacher is None else self.teacher(x).logits.float()
        loss = F.cross_entropy(logits, targets, label_smoothing=self.recipe.label_smoothing)
        if taught is not None:
            loss = loss.lerp(F.cross_entropy(logits, taught.softmax(1)), self.recipe.teacher_share)
        return loss, (logits.argmax(1) == targets.argmax(1)).float().mean()

    def _check(self, loss: float) -> None:
        # the loss is from before the last step; one check for all weights, since each synchronises with the GPU
        whole = bool(torch.stack([value.isfinite().all() for value in self._averaged[0]]).all())
        if loss != loss or loss == float("inf") or not whole:
            raise Diverged(
                f"The training diverged: at step {self.step} the loss or the weights are NaN or infinite. "
                "Choose lower learning rates and another --out."
            )

    def save(self) -> None:
        """Writes everything needed to resume, atomically."""
        if not self.world.first:
            return
        parts = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "scaler": self.scaler.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "identity": self.identity,
        }
        try:
            with replacing(self.state) as temporary:
                torch.save(parts, temporary)
        except (OSError, RuntimeError) as error:  # PyTorch raises RuntimeError for a full disk
            raise NotSaved(
                f"The state at step {self.step} could not be written: is the disk full? The state saved before is intact: "
                "rerun the command to resume from it."
            ) from error

    def _resume(self) -> None:
        where, instead = f"{self.state.name} in {self.state.parent.name!r}", "choose another --out, or delete that file to start again."
        try:
            parts = torch.load(self.state, weights_only=True, map_location=self.device)
            differing = [name for name, value in self.identity.items() if parts["identity"].get(name) != value]
            renamed = parts["model"].keys() != self.model.state_dict().keys()
            if not differing and not renamed:
                self._take(parts)
        except (torch.OutOfMemoryError, OSError):  # these say nothing about the state
            raise
        except Exception as error:  # pickle, zip and PyTorch raise all kinds
            raise ValueError(f"{where} is damaged or not a training state: {instead}") from error
        if differing:
            raise ValueError(f"{where} is from another training run with a different {differing[0].replace('_', ' ')}: {instead}")
        if renamed:
            raise ValueError(f"{where} was written by an older version with other names for the weights: {instead}")

    def _take(self, parts: dict[str, Any]) -> None:
        self.model.load_state_dict(parts["model"])
        self.average.load_state_dict(parts["average"])
        for optimizer, own in zip(self.optimizers, parts["optimizers"], strict=True):
            optimizer.load_state_dict(own)
        if parts["scaler"]:
            self.scaler.load_state_dict(parts["scaler"])
        self.step, self.seconds = parts["step"], parts["seconds"]
