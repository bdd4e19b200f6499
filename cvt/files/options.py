"""The arguments of ``from_pretrained`` that Hugging Face documents and that mean nothing for a CvT, or cannot be honoured here.

Checked against transformers 5.23. What it ignores for a CvT is ignored here; what would change how the model runs there is
refused where it is set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..fields import nearest, shown

IGNORED = {
    *("low_cpu_mem_usage", "_fast_init", "mirror", "from_tf", "from_flax", "offload_state_dict"),  # transformers ignores them itself
    *("resume_download", "proxies", "tqdm_class", "_commit_hash", "_from_auto", "_from_pipeline"),  # huggingface_hub sees to it
    *("trust_remote_code", "code_revision", "weights_only", "disable_mmap"),  # nothing but tensors is ever read
    *("max_memory", "offload_folder", "offload_buffers"),  # a CvT lies on one device
    *("generation_config", "adapter_name", "adapter_kwargs", "experts_implementation"),  # for text, adapters and experts
    *("use_kernels", "kernel_config", "allow_all_kernels"),  # other kernels for the same numbers
}
REFUSED = {
    "quantization_config": "weights are not quantised while they are loaded; torchao quantises a loaded model",
    "load_in_8bit": "weights are not quantised while they are loaded; torchao quantises a loaded model",
    "load_in_4bit": "weights are not quantised while they are loaded; torchao quantises a loaded model",
    "gguf_file": "GGUF files are not read",
    "tp_plan": "tensor parallelism is not supported",
    "tp_size": "tensor parallelism is not supported",
    "device_mesh": "tensor parallelism is not supported",
    "distributed_config": "a model is not distributed while it is loaded; wrap it in DDP or FSDP afterwards",
    "fusion_config": "layers are not fused while they are loaded",
}
WHERE = ("revision", "cache_dir", "local_files_only", "token", "subfolder", "force_download")  # of a model's files


def split_where(options: dict[str, Any]) -> dict[str, Any]:
    """Takes those of ``options`` out that tell where files are, as ``hub.locate`` takes them, and those that mean nothing.

    Raises:
        ValueError: an option that transformers honours and this library cannot.
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
    """The error for an argument of ``from_pretrained`` that is none."""
    hint = nearest(name, {*known, *WHERE, *IGNORED})
    return TypeError(f"from_pretrained() got an unexpected argument {shown(name)}{hint}")
