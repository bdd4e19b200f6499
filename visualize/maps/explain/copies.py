"""Models made from a shared one, which stays as it is: in float32, or with its last part drawn anew."""

from __future__ import annotations

import torch

from cvt.architecture.build import inherit
from cvt.model import CvtForImageClassification


def in_float32(model: CvtForImageClassification) -> CvtForImageClassification:
    """The model itself if it computes in float32 or float64; otherwise a copy in float32, on its device. In float16 small gradients
    vanish."""
    if model.dtype in (torch.float32, torch.float64):
        return model
    return inherit(model, model.config).model.to(model.device, torch.float32)


def randomised(model: CvtForImageClassification, seed: int = 0) -> CvtForImageClassification:
    """A model whose classifier and last stage are drawn anew as before training; the stages before share their weights with ``model``.

    Source: the randomisation of the top layers in Adebayo et al., 2018, arXiv 1810.03292, section 3.
    """
    with torch.device("meta"):  # no memory and no random numbers yet
        other = CvtForImageClassification(model.config)
    last = other.cvt.encoder.stages[-1]
    anew = [*last.modules(), other.layernorm, other.classifier]
    own = {id(value) for part in (last, other.layernorm, other.classifier) for value in (*part.parameters(), *part.buffers())}
    state = model.state_dict()
    for name, value in other.state_dict(keep_vars=True).items():
        if id(value) in own:
            state[name] = torch.empty_like(state[name], device="cpu")  # where the generator draws
    with torch.inference_mode(False):
        other.load_state_dict(state, assign=True)
        generator = torch.Generator().manual_seed(seed)
        for part in anew:
            other.init_module(part, generator)
    return other.eval().to(model.device)
