"""Explanations by gradients of features and of pixels.

Sources: Grad-CAM, Selvaraju et al., 2017, arXiv 1610.02391, equations 1 and 2; integrated gradients, Sundararajan et al., 2017,
arXiv 1703.01365, as computed by captum.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cvt.architecture.geometry import pixels
from cvt.model import to_picture

from ...container import frozen
from .case import Case
from .explanation import Explanation

# Parts of the way from the blurred picture to the picture: where each ends, and at how many points it is looked at. Models make up their
# mind early on it: most of what it adds to a score comes with the first sixth, and in equal steps its sum would be off by up to 6 %.
WAY = ((0.15, 10), (0.5, 8), (1.0, 4))


def grad_cam(case: Case, stage: int) -> Explanation:
    """A stage's feature maps, each weighted by the mean of the score's gradient by it, and of the sum what is positive.

    The features are the stage's output. In a last stage with a cls token the score does not depend on that: its tokens reach the
    classifier only by what the cls token takes from them, for the last time in the last block. So there they are the tokens before
    the last block, and their gradient comes through that block's keys and values alone. After it, it is zero.
    """
    features, gradient = _with_gradient(case, stage)
    weighted = (gradient.mean(dim=(2, 3), keepdim=True) * features.detach()).sum(dim=1)[0]
    return Explanation("grad_cam", frozen(weighted.clamp_min(0)), case.grids[stage][0], False, target=case.target, stage=stage)


def _with_gradient(case: Case, stage: int) -> tuple[Tensor, Tensor]:
    """A stage's tokens (1, C, H, W), and the gradient of the class's score by them."""
    grid, cls = case.grids[stage][0].shape, case.cls(stage)
    if stage < case.last or not cls:
        features = case.seen.captured.feature_map(stage)
        return features, case.seen.gradients(case.seen.logit, [features])[0]
    tokens = case.seen.captured.tap("input", stage, case.model.config.depth[stage] - 1)
    (gradient,) = case.seen.gradients(case.seen.logit, [tokens])
    return to_picture(tokens[:, cls:], grid), to_picture(gradient[:, cls:], grid)


def integrated_gradients(case: Case, way: Sequence[tuple[float, int]] = WAY) -> Explanation:
    """The gradient by each pixel, averaged on the straight way from the blurred picture to the picture, times the pixel's change; summed
    over colours. All pixels together add up to what the way adds to the class's score: within 1 % for the embedded model's examples.

    Args:
        way: the parts of it, see ``WAY``.
    """
    from captum.attr import IntegratedGradients  # it takes half a second to import, and no other method needs it

    def logits(pictures: Tensor) -> Tensor:
        case.watch()
        return case.model(pictures).logits

    method = IntegratedGradients(logits)
    with case.turn(), torch.inference_mode(False):
        change = case.pixel_values - case.absent
        attributed, start = torch.zeros_like(change), 0.0
        for end, points in way:
            attributed += method.attribute(
                case.absent + end * change,
                baselines=case.absent + start * change,
                target=case.target,
                n_steps=points,
                internal_batch_size=gradient_batch(case),
            ).to(change)
            start = end
    return Explanation("integrated_gradients", frozen(attributed[0].sum(dim=0)), pixels(*case.size), True, target=case.target)


def gradient_batch(case: Case) -> int:
    """Pictures in one batch with gradients: with what these need, a picture takes twice the memory."""
    return max(1, case.batch // 2)
