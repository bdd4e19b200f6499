"""The microscope's numbers, put together again by NumPy, are the model's own queries, keys and values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cvt.processor import CvtImageProcessor
from tests.draw.test_payload import model_of, photo
from visualize.container import unpack
from visualize.explore import explore
from visualize.maps.inside import inside_payload

PROCESSOR = CvtImageProcessor(size=64)


def randomised(model):
    """BatchNorm statistics that are not 0 and 1."""
    generator = torch.Generator().manual_seed(2)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.3, 2, generator=generator)
            with torch.no_grad():
                module.weight.normal_(generator=generator)
                module.bias.normal_(generator=generator)
    return model


@pytest.mark.parametrize("method", ["dw_bn", "avg", "linear"])
def test_the_parts_give_the_captured_queries_and_keys(method):
    model = randomised(model_of(1, qkv_projection_method=(method,) * 3))
    seen = explore(model, PROCESSOR, photo())
    for stage, block in ((0, 0), (1, 1), (2, 2)):
        header, arrays = unpack(inside_payload(model, PROCESSOR, seen, stage, block))
        exact = seen.stages[stage].blocks[block]
        assert header["pools"] == ({"key": 3, "value": 3} if method == "avg" else {})
        assert ("cls" in arrays) == exact.has_cls
        for name, captured in (("query", exact.query), ("key", exact.key)):
            x = torch.from_numpy(arrays["tokens"].copy())[None]
            if method == "dw_bn":
                kernel = torch.from_numpy(arrays[f"{name}/kernel"].copy())[:, None]
                x = F.conv2d(x, kernel, stride=header["strides"][name], padding=header["paddings"][name], groups=len(kernel))
                x = x.numpy() * arrays[f"{name}/scale"][:, None, None] + arrays[f"{name}/shift"][:, None, None]
            elif name in header["pools"]:
                x = F.avg_pool2d(x, header["pools"][name], header["strides"][name], header["paddings"][name], ceil_mode=True)
            assert list(x.shape[2:]) == header["shapes"][name]
            flat = np.asarray(x)[0].reshape(len(arrays["tokens"]), -1).T  # (tokens, C)
            if exact.has_cls:
                flat = np.concatenate((arrays["cls"][None], flat))  # which is not convolved
            made = flat @ arrays[f"{name}/linear"].T + arrays[f"{name}/bias"]
            heads = captured.shape[0]
            together = captured.transpose(1, 0, 2).reshape(len(made), -1)  # (tokens, heads · D)
            assert together.shape[1] == heads * captured.shape[2]
            assert np.abs(made - together).max() <= 1e-4 * np.abs(together).max()


def test_lengths_are_those_of_the_tokens_that_the_stages_pass_on():
    model = model_of(4)
    seen = explore(model, PROCESSOR, photo())
    _, arrays = unpack(inside_payload(model, PROCESSOR, seen, 1, 0))
    assert [arrays[f"norms/{stage}"].shape for stage in range(3)] == [(1, 3), (2, 3), (3, 3)]
    kept = {}
    last = model.cvt.encoder.stages[1].layers[1]

    def keep(name: str):
        def hook(module, given, result) -> None:
            kept[name] = (given[0], result)

        return hook

    parts = {"block": last, "attention": last.attention, "mlp": last.output}
    hooks = [module.register_forward_hook(keep(name)) for name, module in parts.items()]
    with torch.no_grad():
        explore(model, PROCESSOR, photo())
    for hook in hooks:
        hook.remove()
    wanted = [kept["block"][0], kept["attention"][1], kept["mlp"][1]]
    assert np.allclose(arrays["norms/1"][1], [float(each.norm(dim=-1).mean()) for each in wanted], rtol=1e-5)
    _, arrays = unpack(inside_payload(model, PROCESSOR, seen, 1, 1))
    assert arrays["lengths"].shape == (3, *seen.stages[1].query_grid.shape)
    assert np.allclose(arrays["lengths"].reshape(3, -1), [each[0].norm(dim=-1).numpy() for each in wanted], rtol=1e-5)


def test_the_cls_token_has_no_place_among_the_lengths():
    model = model_of(4)
    seen = explore(model, PROCESSOR, photo())
    _, arrays = unpack(inside_payload(model, PROCESSOR, seen, 2, 2))
    assert arrays["lengths"].shape == (3, *seen.stages[2].query_grid.shape)
    assert np.allclose(arrays["lengths"].mean(axis=(1, 2)), arrays["norms/2"][2], rtol=1e-5)


def test_a_missing_block_is_a_sentence():
    model = model_of()
    seen = explore(model, PROCESSOR, photo())
    with pytest.raises(ValueError, match="no block 1 in stage 0"):
        inside_payload(model, PROCESSOR, seen, 0, 1)
