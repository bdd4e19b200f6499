"""Arguments of ``from_pretrained`` that Hugging Face documents but that have no effect on a CvT, or are not supported here.

Checked against transformers 5.23. Arguments that it ignores for a CvT are ignored here too; those that would change how the
model runs are refused if set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..fields import nearest, shown

IGNORED = {
    *("low_cpu_mem_usage", "_fast_init", "mirror", "from_tf", "from_flax", "offload_state_dict"),  # transformers ignores them too
    *("resume_download", "proxies", "tqdm_class", "_commit_hash", "_from_auto", "_from_pipeline"),  # handled by huggingface_hub
    *("trust_remote_code", "code_revision", "weights_only", "disable_mmap"),  # only tensors are ever read
    *("max_memory", "offload_folder", "offload_buffers"),  # a CvT lives on one device
    *("generation_config", "adapter_name", "adapter_kwargs", "experts_implementation"),  # for text, adapters and experts
    *("use_kernels", "kernel_config", "allow_all_kernels"),  # other kernels for the same numbers
}
REFUSED = {
    "quantization_config": "weights cannot be quantised while loading; quantise the loaded model with torchao",
    "load_in_8bit": "weights cannot be quantised while loading; quantise the loaded model with torchao",
    "load_in_4bit": "weights cannot be quantised while loading; quantise the loaded model with torchao",
    "gguf_file": "GGUF files are not supported",
    "tp_plan": "tensor parallelism is not supported",
    "tp_size": "tensor parallelism is not supported",
    "device_mesh": "tensor parallelism is not supported",
    "distributed_config": "a model cannot be distributed while loading; wrap it in DDP or FSDP afterwards",
    "fusion_config": "layers cannot be fused while loading",
}
WHERE = ("revision", "cache_dir", "local_files_only", "token", "subfolder", "force_download")  # where a model's files are


def split_where(options: dict[str, Any]) -> dict[str, Any]:
    """Removes from ``options`` those that ``hub.locate`` takes, which it returns, and those that have no effect.

    Raises:
        ValueError: an option that transformers supports and this library does not.
    """
    for name in IGNORED & set(options):
        del options[name]
    for name in set(REFUSED) & set(options):
        if options.pop(name):
            raise ValueError(f"from_pretrained() does not take {name}: {REFUSED[name]}.")
    where = {name: options.pop(name) for name in WHERE if name in options}
    older = options.pop("use_auth_token", None)
    if older is not None and where.get("token") is None:
        where["token"] = older
    return where


def unknown_argument(name: str, known: Iterable[str]) -> TypeError:
    """The error for an unknown argument of ``from_pretrained``."""
    hint = nearest(name, {*known, *WHERE, *IGNORED})
    return TypeError(f"from_pretrained() got an unexpected argument {shown(name)}{hint}")
