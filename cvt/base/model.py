"""The generic methods that Hugging Face users expect of any model, under transformers' names.

A CvT has no token embeddings, no tied weights and generates no text, so some of them raise an error, as in transformers' CvT.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import nn

from ..files.checkpoint import load_model
from ..files.push import push_to_hub
from ..files.saving import save_model
from ..runtime.device import as_dtype
from .claims import CLAIMS
from .config import ConfigBase
from .seen_by_transformers import SeenByTransformers

# of torch.utils.checkpoint, which is always used in its non-reentrant form, with the random state restored
CHECKPOINT_OPTIONS = {"use_reentrant", "preserve_rng_state", "determinism_check", "context_fn", "debug", "early_stop"}


class GenericMethods(SeenByTransformers, nn.Module):
    """Base of the models: methods that do not depend on how a CvT computes."""

    framework = "pt"
    supports_gradient_checkpointing = True
    model_tags: list[str] | None = None
    config_class: type[ConfigBase]
    config: ConfigBase

    @property
    def dtype(self) -> torch.dtype:
        return next(value.dtype for value in self.parameters() if value.is_floating_point())

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def base_model(self) -> nn.Module:
        """The ``CvtModel`` inside this model, or this model itself."""
        return getattr(self, "cvt", self)

    @property
    def dummy_inputs(self) -> dict[str, torch.Tensor]:
        """Arguments of ``forward`` for one grey picture."""
        side = self.config.image_size or 224
        return {"pixel_values": torch.zeros(1, self.config.num_channels, *((side, side) if isinstance(side, int) else side))}

    @classmethod
    def can_generate(cls) -> bool:
        return False

    @classmethod
    def is_custom_code(cls) -> bool:
        """Whether this class is from outside transformers; PEFT checks it before converting names of weights."""
        return True

    def num_parameters(self, only_trainable: bool = False, exclude_embeddings: bool = False) -> int:
        """The number of parameters; ``exclude_embeddings`` has no effect, since a CvT has no token embeddings."""
        return sum(value.numel() for value in self.parameters() if value.requires_grad or not only_trainable)

    def get_memory_footprint(self, return_buffers: bool = True) -> int:
        """Bytes of the parameters, and of the buffers that are saved with them."""
        return sum(value.nbytes for value in (self.state_dict().values() if return_buffers else self.parameters()))

    def train(self, mode: bool = True):
        """Sets training mode, as for any module, and drops claims from the config: training changes the measured weights."""
        if mode:
            self.claim({})
        return super().train(mode)

    def claim(self, claims: Mapping[str, Any]) -> None:
        """Stores measured results in the config; other keys of ``claims`` are ignored."""
        for config in {id(model.config): model.config for model in (self, self.base_model)}.values():
            for name in CLAIMS:
                config.extra.pop(name, None)
            config.extra |= {name: value for name, value in claims.items() if name in CLAIMS}

    # --- embeddings and weights ------------------------------------------------------------------------------------------

    def get_input_embeddings(self) -> NoReturn:
        self._without("token embeddings")

    def set_input_embeddings(self, value: nn.Module) -> NoReturn:
        self._without("token embeddings")

    def resize_token_embeddings(self, *args, **kwargs) -> NoReturn:
        self._without("token embeddings")

    def get_position_embeddings(self) -> NoReturn:
        self._without("positional embedding of a fixed size: any input size works")

    def resize_position_embeddings(self, new_num_position_embeddings: int) -> NoReturn:
        self._without("positional embedding of a fixed size: any input size works")

    def _without(self, what: str) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__} has no {what}.")

    def get_output_embeddings(self) -> None:
        """None: a CvT has no token embeddings to share weights with."""

    def tie_weights(self, *args, **kwargs) -> None:
        """Nothing is tied."""

    def get_encoder(self, modality: str | None = None) -> nn.Module:
        return getattr(self.base_model, "encoder", self)

    def enable_input_require_grads(self) -> None:
        """Nothing to do: checkpointed blocks get gradients whether or not the input requires one."""

    def disable_input_require_grads(self) -> None:
        """Nothing to do; see ``enable_input_require_grads``."""

    # --- checkpointing ---------------------------------------------------------------------------------------------------

    @property
    def is_gradient_checkpointing(self) -> bool:
        return any(getattr(module, "gradient_checkpointing", False) for module in self.modules())

    @property
    def is_activation_checkpointing(self) -> bool:
        return self.is_gradient_checkpointing

    def gradient_checkpointing_enable(
        self, gradient_checkpointing_kwargs: Mapping[str, Any] | None = None, every_n_layers: int = 1, offload: bool = False
    ) -> None:
        """In training, keeps only each block's input and recomputes its activations in the backward pass.

        Args:
            gradient_checkpointing_kwargs: of ``torch.utils.checkpoint``. They do not affect results and are ignored: the
                non-reentrant form, which PyTorch recommends, is always used.
        Raises:
            ValueError: checkpointing of only some layers, or offloading of activations; neither is supported.
        """
        unknown = sorted(set(gradient_checkpointing_kwargs or {}) - CHECKPOINT_OPTIONS)
        if unknown:
            raise ValueError(f"gradient_checkpointing_kwargs has {unknown[0]!r}, which torch.utils.checkpoint does not take.")
        if every_n_layers != 1 or offload:
            raise ValueError("Every block is checkpointed, without offloading: leave out every_n_layers and offload.")
        self._set_gradient_checkpointing(True)

    def gradient_checkpointing_disable(self) -> None:
        self._set_gradient_checkpointing(False)

    def activation_checkpointing_enable(self, activation_checkpointing_kwargs: Mapping[str, Any] | None = None, **kwargs) -> None:
        """The newer name of ``gradient_checkpointing_enable``."""
        self.gradient_checkpointing_enable(activation_checkpointing_kwargs, **kwargs)

    def activation_checkpointing_disable(self) -> None:
        self.gradient_checkpointing_disable()

    def _set_gradient_checkpointing(self, enabled: bool) -> None:
        for module in self.modules():
            if hasattr(module, "gradient_checkpointing"):
                module.gradient_checkpointing = enabled

    # --- loading, saving, the Hub ----------------------------------------------------------------------------------------

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path | None = None, *model_args, **options):
        """Loads a trained model, in evaluation mode; for sources and options see ``checkpoint.load_model``."""
        return load_model(cls, pretrained_model_name_or_path, *model_args, **options)

    @classmethod
    def _from_config(
        cls, config: ConfigBase, dtype: torch.dtype | str | None = None, torch_dtype=None, attn_implementation=None, **options
    ):
        """Creates a model with random weights, in training mode."""
        model = cls(cls.config_class.accept(config), **options)
        if attn_implementation is not None:
            model.set_attn_implementation(attn_implementation)
        dtype = dtype or torch_dtype or model.config.dtype
        return model if dtype in (None, "auto") else model.to(as_dtype(dtype))

    def save_pretrained(self, save_directory: str | Path, is_main_process: bool = True, **options) -> None:
        """Writes ``config.json`` and ``model.safetensors``, which transformers opens too; for options see ``saving.save_model``."""
        save_model(self, save_directory, is_main_process, **options)

    def push_to_hub(self, repo_id: str, **options) -> Any:
        """Uploads what ``save_pretrained`` writes to a repository on the Hub; for options see ``push.push_to_hub``."""
        return push_to_hub(self, repo_id, **options)

    def add_model_tags(self, tags: list[str] | str) -> None:
        """Adds tags for a model card to ``model_tags``; transformers' Trainer writes them into the card."""
        new = [tags] if isinstance(tags, str) else list(tags)
        self.model_tags = list(dict.fromkeys([*(self.model_tags or []), *new]))
