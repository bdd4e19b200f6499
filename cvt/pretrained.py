"""What CvtModel and CvtForImageClassification share with every model of Hugging Face's: initialisation, loading, saving."""

from __future__ import annotations

import torch
from torch import Tensor, nn

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


class CvtPreTrainedModel(nn.Module):
    """What ``CvtModel`` and ``CvtForImageClassification`` share: initialisation, loading, saving, checkpointing."""

    base_model_prefix = "cvt"
    main_input_name = "pixel_values"
    accepts_loss_kwargs = False  # the loss is a mean, so transformers' Trainer divides it where it accumulates gradients
    _no_split_modules = ("Block",)  # for accelerate and FSDP: a residual connection stays on one device

    def __init__(self, config: CvtConfig):
        super().__init__()
        self.config = config

    @property
    def dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def init_weights(self, part: nn.Module, generator: torch.Generator | None = None) -> None:
        """Truncated normal of ``initializer_range`` for weights and cls tokens, zero biases, norms at identity.

        ``generator``: where the random numbers come from; PyTorch's own if None.
        """
        for module in part.modules():
            self.init_module(module, generator)

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

    def gradient_checkpointing_enable(self) -> None:
        """In training, keeps only each block's input and computes its inside again in the backward pass."""
        self._set_gradient_checkpointing(True)

    def gradient_checkpointing_disable(self) -> None:
        self._set_gradient_checkpointing(False)

    def _set_gradient_checkpointing(self, enabled: bool) -> None:
        for module in self.modules():
            if hasattr(module, "gradient_checkpointing"):
                module.gradient_checkpointing = enabled

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

    @classmethod
    def from_pretrained(cls, source=None, **options):
        """The trained model of ``source``, in evaluation mode; see ``checkpoint.load_model`` for sources and options."""
        from .checkpoint import load_model  # checkpoint.py imports this module

        return load_model(cls, source, **options)

    def save_pretrained(self, folder) -> None:
        """Writes ``config.json`` and ``model.safetensors``, which transformers opens too."""
        from .checkpoint import save_model

        save_model(self, folder)
