"""What is to be explained: a model, a picture and a class. Computes what the methods share, without touching the shared model.

The model's parameters, gradients, attention implementation and hooks of others stay as they are: attention weights are an output
that the model offers, inputs of blocks are captured for the calling context only, and gradients are asked for with
``torch.autograd.grad``, which adds to nobody's ``.grad``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from cvt.architecture.geometry import Grid, stage_grids
from cvt.model import CvtForImageClassification

from ...capture import Capture, capture

BATCH_PIXELS = 8 * 224 * 224  # of one batch, so that memory stays bounded
MOST = 8  # pictures in one batch: more are not faster on a CPU
BLUR = 12  # the standard deviation of the blur is this part of the shorter side

Turn = Callable[[], AbstractContextManager]
Watch = Callable[[], None]


class Case:
    """One picture through one model, for one class.

    Args:
        model: in evaluation mode, in float32 (see ``copies.in_float32``). pixel_values: (1, C, H, W). target: the class's index.
        turn: gives a context that is entered around every pass, or several that belong together, to wait for one's turn.
        watch: is called before every pass; what it raises ends the work.
    Raises:
        ValueError: a model without classes, in training mode or in another dtype; a class or a picture that does not fit it.
    """

    def __init__(
        self, model: CvtForImageClassification, pixel_values: Tensor, target: int, turn: Turn = nullcontext, watch: Watch = lambda: None
    ):
        if model.training or model.dtype not in (torch.float32, torch.float64):
            raise ValueError("Explanations need a model in evaluation mode and in float32: see copies.in_float32.")
        if not 0 <= target < model.config.num_labels:
            raise ValueError(f"There is no class {target}: this model has {model.config.num_labels}.")
        if pixel_values.ndim != 4 or len(pixel_values) != 1:
            raise ValueError(f"pixel_values must be of one picture, (1, channels, height, width), not {tuple(pixel_values.shape)}.")
        self.model, self.target, self.turn, self.watch = model, target, turn, watch
        with torch.inference_mode(False):  # a tensor of inference cannot take part in a gradient
            self.pixel_values = pixel_values.detach().to(model.device, model.dtype).clone()

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the input in pixels."""
        return self.pixel_values.shape[2], self.pixel_values.shape[3]

    @property
    def last(self) -> int:
        """The index of the last stage."""
        return self.model.config.num_stages - 1

    def cls(self, stage: int) -> int:
        """The number of cls tokens of a stage: 1 or 0."""
        return int(self.model.config.stages[stage].cls_token)

    @cached_property
    def grids(self) -> list[tuple[Grid, Grid]]:
        """(query grid, key grid) of every stage."""
        return stage_grids(self.model.config, *self.size)

    @cached_property
    def absent(self) -> Tensor:
        """The picture without its content, (1, C, H, W): blurred until shapes are gone. It stands for whatever is taken away, in
        every method and every measure. A grey square would itself be something to see."""
        with torch.inference_mode(False), torch.no_grad():
            return blurred(self.pixel_values, min(self.size) / BLUR)

    def logits(self, pictures: Tensor) -> Tensor:
        """(N, C, H, W) → (N, classes), in batches of bounded size, each in its turn; without gradients."""
        return torch.cat([self._logits(batch) for batch in pictures.split(self.batch)])

    def through(self, model: CvtForImageClassification) -> Case:
        """The same picture and class through another model of the same kind."""
        return Case(model, self.pixel_values, self.target, self.turn, self.watch)

    def _logits(self, batch: Tensor) -> Tensor:
        self.watch()
        with self.turn(), torch.inference_mode():
            return self.model(batch).logits

    @property
    def batch(self) -> int:
        """Pictures in one batch."""
        return max(1, min(MOST, BATCH_PIXELS // (self.size[0] * self.size[1])))

    @cached_property
    def seen(self) -> Seen:
        """A pass that can be differentiated."""
        return Seen(self)


class Seen:
    """One pass with its graph: the class's logit, attention weights (1, heads, queries, keys) by stage and block, and the captures."""

    def __init__(self, case: Case):
        model = case.model
        case.watch()
        with case.turn(), torch.inference_mode(False), torch.enable_grad(), capture(model, ("input", "stage")) as captured:
            pixel_values = case.pixel_values.clone().requires_grad_()  # or there is no graph if the weights are frozen
            output = model(pixel_values, output_attentions=True)
            self.logit: Tensor = output.logits[0, case.target]
        self._turn, self._watch = case.turn, case.watch
        self.captured: Capture = captured
        weights = iter(output.attentions)
        self.attention: list[list[Tensor]] = [[next(weights) for _ in range(stage.depth)] for stage in model.config.stages]

    def gradients(self, of: Tensor, by: Sequence[Tensor]) -> list[Tensor]:
        """The gradients of a number by each of some tensors; zeros where it does not depend on one."""
        self._watch()
        with self._turn(), torch.inference_mode(False):
            return list(torch.autograd.grad(of, list(by), retain_graph=True, allow_unused=True, materialize_grads=True))


def blurred(pictures: Tensor, deviation: float) -> Tensor:
    """(N, C, H, W), blurred by a Gaussian of this standard deviation in pixels; the picture is mirrored at its border."""
    reach = min(round(3 * deviation), min(pictures.shape[2:]) - 1)
    at = torch.arange(-reach, reach + 1, dtype=pictures.dtype, device=pictures.device)
    kernel = torch.softmax(-(at**2) / (2 * deviation**2), dim=0).expand(pictures.shape[1], 1, 1, -1)
    pictures = F.pad(pictures, (reach,) * 4, mode="reflect")
    pictures = F.conv2d(pictures, kernel, groups=len(kernel))
    return F.conv2d(pictures, kernel.transpose(2, 3), groups=len(kernel))
