"""The base class of CvtModel and CvtForImageClassification: initialisation and generic methods."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .base.model import GenericMethods
from .config import CvtConfig

ATTENTION = ("sdpa", "eager")


def truncated_normal_(weight: Tensor, std: float, generator: torch.Generator | None) -> None:
    """Fills ``weight`` from a normal distribution truncated at ±2."""
    if weight.is_meta:
        return  # nothing to fill, and PyTorch would import its compiler
    if std < 0.2:  # at ten standard deviations nothing is truncated, and this is four times as fast
        nn.init.normal_(weight, std=std, generator=generator)
    else:
        nn.init.trunc_normal_(weight, std=std, generator=generator)


class CvtPreTrainedModel(GenericMethods):
    """Base of ``CvtModel`` and ``CvtForImageClassification``: initialisation, and every model's ``GenericMethods``."""

    config_class = CvtConfig
    config: CvtConfig
    base_model_prefix = "cvt"
    main_input_name = "pixel_values"
    accepts_loss_kwargs = False  # the loss is a mean, so transformers' Trainer divides it when accumulating gradients
    _no_split_modules = ("Block",)  # for accelerate and FSDP: a residual connection stays on one device

    def __init__(self, config: CvtConfig):
        super().__init__()
        self.config = CvtConfig.accept(config).without_claims()  # claims are about trained weights, and these are new
        self.name_or_path = self.config.name_or_path

    def init_weights(self, part: nn.Module | None = None, generator: torch.Generator | None = None) -> None:
        """Initialises weights and cls tokens from a truncated normal of ``initializer_range``, biases with 0, norms as identity.

        Args:
            part: the part to initialise; the whole model if None.
            generator: source of the random numbers; PyTorch's default if None.
        """
        for module in (self if part is None else part).modules():
            self.init_module(module, generator)

    def post_init(self) -> None:
        """Initialises the weights at the end of a subclass's constructor, as in transformers."""
        self.init_weights()

    def _init_weights(self, module: nn.Module) -> None:
        """transformers' name for ``init_module``."""
        self.init_module(module)

    def init_module(self, module: nn.Module, generator: torch.Generator | None = None) -> None:
        """Initialises the parameters of ``module`` itself, not of its submodules."""
        std = self.config.initializer_range
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            truncated_normal_(module.weight, std, generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.LayerNorm, nn.BatchNorm2d)):
            module.reset_parameters()
        elif isinstance(getattr(module, "cls_token", None), nn.Parameter):
            truncated_normal_(module.cls_token, std, generator)
        elif isinstance(getattr(module, "position_embedding", None), nn.Parameter):
            truncated_normal_(module.position_embedding, 0.02, generator)

    def set_attn_implementation(self, attn_implementation: str) -> None:
        """Chooses how attention is computed: "sdpa", PyTorch's fused kernel, or "eager", which can be differentiated twice.

        Raises:
            ValueError: any other name.
        """
        if attn_implementation not in ATTENTION:
            raise ValueError(f"attn_implementation must be 'sdpa' or 'eager', not {attn_implementation!r}.")
        for module in self.modules():
            if hasattr(module, "attn_implementation"):
                module.attn_implementation = attn_implementation
