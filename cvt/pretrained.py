"""What CvtModel and CvtForImageClassification share with every model of Hugging Face's: initialisation, loading, saving."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .base.model import GenericMethods
from .config import CvtConfig

ATTENTION = ("sdpa", "eager")


def truncated_normal_(weight: Tensor, std: float, generator: torch.Generator | None) -> None:
    """Fills ``weight`` from a normal distribution cut off at ±2."""
    if weight.is_meta:
        return  # nothing to fill, and PyTorch would load its compiler to find out
    if std < 0.2:  # ten standard deviations away nothing is left to cut, and this is four times as fast
        nn.init.normal_(weight, std=std, generator=generator)
    else:
        nn.init.trunc_normal_(weight, std=std, generator=generator)


class CvtPreTrainedModel(GenericMethods):
    """What ``CvtModel`` and ``CvtForImageClassification`` share: initialisation, and in ``GenericMethods`` what every model has."""

    config_class = CvtConfig
    config: CvtConfig
    base_model_prefix = "cvt"
    main_input_name = "pixel_values"
    accepts_loss_kwargs = False  # the loss is a mean, so transformers' Trainer divides it where it accumulates gradients
    _no_split_modules = ("Block",)  # for accelerate and FSDP: a residual connection stays on one device

    def __init__(self, config: CvtConfig):
        super().__init__()
        self.config = CvtConfig.accept(config).without_claims()  # a claim is about trained weights, which these are not yet
        self.name_or_path = self.config.name_or_path

    def init_weights(self, part: nn.Module | None = None, generator: torch.Generator | None = None) -> None:
        """Truncated normal of ``initializer_range`` for weights and cls tokens, zero biases, norms at identity.

        Args:
            part: what is initialised; the whole model if None.
            generator: where the random numbers come from; PyTorch's own if None.
        """
        for module in (self if part is None else part).modules():
            self.init_module(module, generator)

    def post_init(self) -> None:
        """Ends the constructor of a subclass, as in transformers: initialises its weights."""
        self.init_weights()

    def _init_weights(self, module: nn.Module) -> None:
        """``init_module`` by transformers' name."""
        self.init_module(module)

    def init_module(self, module: nn.Module, generator: torch.Generator | None = None) -> None:
        """The same for what ``module`` itself holds, without the modules in it."""
        std = self.config.initializer_range
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            truncated_normal_(module.weight, std, generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.LayerNorm, nn.BatchNorm2d)):
            module.reset_parameters()
        elif isinstance(getattr(module, "cls_token", None), nn.Parameter):
            truncated_normal_(module.cls_token, std, generator)

    def set_attn_implementation(self, attn_implementation: str) -> None:
        """How attention is computed: "sdpa", PyTorch's fused kernel, or "eager", which can be differentiated twice.

        Raises:
            ValueError: any other name.
        """
        if attn_implementation not in ATTENTION:
            raise ValueError(f"attn_implementation must be 'sdpa' or 'eager', not {attn_implementation!r}.")
        for module in self.modules():
            if hasattr(module, "attn_implementation"):
                module.attn_implementation = attn_implementation
