"""Activation patching against a forward pass written out by hand, and one spot across two pictures."""

import threading

import numpy as np
import pytest
import torch

from cvt.architecture.geometry import stage_grids
from cvt.model import to_picture
from tests.helpers import pixels, tiny_model
from visualize.capture import capture
from visualize.change.patching import Patch, cells_within, moves_between, patched, recorded
from visualize.maps.attention import BlockAttention
from visualize.maps.pairs import attention_across, similarity

A, B = pixels(1, 3, 32, 32, seed=1), pixels(1, 3, 32, 32, seed=2)
LAST = 2, 1  # a block in the stage with the cls token and three heads


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def source(model):
    return recorded(model, A)


def logits(model, source, *samples, x=B):
    with torch.inference_mode(), patched(model, source, samples):
        return model(x).logits


def by_hand(model, x, stage, block, change):
    """The forward pass written out; ``change`` alters the parts of one block: heads, attention, mlp and tokens by name."""
    for index, module in enumerate(model.cvt.encoder.stages):
        tokens, grid = module.embedding(x)
        if module.cls_token is not None:
            tokens = torch.cat((module.cls_token, tokens), dim=1)
        for number, layer in enumerate(module.layers):
            changed = change if (index, number) == (stage, block) else lambda name, value: value
            heads = changed("heads", layer.attention.attention(layer.layernorm_before(tokens), grid))
            tokens = tokens + changed("attention", layer.attention.output(heads))
            tokens = tokens + changed("mlp", layer.mlp(layer.layernorm_after(tokens)))
            tokens = changed("tokens", tokens)
        x = to_picture(tokens[:, module.cls_token is not None :], grid)
    return model.classifier(model.layernorm(tokens[:, 0]))


def test_everything_from_a_gives_as_logits_and_b_into_b_changes_nothing(model, source):
    with torch.inference_mode():
        of_a, of_b = model(A).logits, model(B).logits
    assert torch.equal(logits(model, source, [Patch(stage=0, block=0, part="tokens")]), of_a)
    everything = [Patch(stage=s, block=b, part="block") for s, depth in enumerate(model.config.depth) for b in range(depth)]
    assert torch.equal(logits(model, source, everything, x=A), of_a)
    own = recorded(model, B)
    for part in ("tokens", "block", "attention", "mlp"):
        assert torch.equal(logits(model, own, [Patch(stage=1, block=0, part=part)]), of_b)
    heads = [Patch(stage=2, block=2, part="head", head=head) for head in range(3)]
    assert torch.equal(logits(model, own, heads), of_b)
    assert torch.equal(logits(model, source, []), of_b)


@pytest.mark.parametrize("part", ["tokens", "block", "attention", "mlp", "head"])
@pytest.mark.parametrize("moves", [None, ((0, 0), (3, 1))])
def test_patching_is_the_forward_pass_written_out(model, source, part, moves):
    stage, block = LAST
    replaced = {"block": ("attention", "mlp"), "head": ("heads",)}.get(part, (part,))
    of_a = {}
    with torch.inference_mode():
        assert torch.allclose(by_hand(model, A, *LAST, lambda name, value: of_a.setdefault(name, value)), model(A).logits, atol=1e-6)

        def change(name, value):
            value = value.clone()
            if name in replaced:
                channels = slice(8, 16) if part == "head" else slice(None)  # the second head of width 8
                for i, j in moves or [(n, n) for n in range(value.shape[1])]:
                    value[:, j, channels] = of_a[name][:, i, channels]
            return value

        wanted = by_hand(model, B, *LAST, change)
    found = logits(model, source, [Patch(stage=stage, block=block, part=part, head=1 if part == "head" else None, moves=moves)])
    assert torch.allclose(found, wanted, atol=1e-6)
    if not (part == "tokens" and moves is None):
        assert not torch.allclose(wanted, model(A).logits, atol=1e-4)
    assert not torch.allclose(wanted, model(B).logits, atol=1e-4)


def test_a_batch_is_as_many_single_patches_and_other_threads_see_none(model, source):
    samples = [[Patch(stage=2, block=0, part="head", head=head)] for head in range(3)] + [[]]
    plain = model(B).logits
    with torch.inference_mode(), patched(model, source, samples):
        found = model(B.expand(4, -1, -1, -1)).logits
        seen = []
        other = threading.Thread(target=lambda: seen.append(model(B).logits))
        other.start()
        other.join()
    for row, sample in zip(found, samples, strict=True):
        assert torch.allclose(row, logits(model, source, sample)[0], atol=1e-6)
    assert torch.equal(seen[0], plain)
    assert torch.equal(model(B).logits, plain)
    assert not any(module._forward_hooks for module in model.modules())


def test_impossible_patches_get_sentences(model, source):
    for wrong in ({"part": "nose"}, {"part": "head"}, {"part": "mlp", "head": 0}):
        with pytest.raises(ValueError, match=r"choose one|Give a head"):
            Patch(stage=0, block=0, **wrong)
    for stage, block, more in ((3, 0, {}), (0, 1, {}), (2, 0, {"moves": ((0, 99),)})):
        with pytest.raises(ValueError, match="There is no"):
            logits(model, source, [Patch(stage=stage, block=block, part="tokens", **more)])
    with pytest.raises(ValueError, match="There is no head 3"):
        logits(model, source, [Patch(stage=2, block=0, part="head", head=3)])
    with pytest.raises(ValueError, match="same input size"):
        logits(model, source, [Patch(stage=0, block=0, part="mlp")], x=pixels(1, 3, 64, 64))
    with pytest.raises(ValueError, match="one picture"):
        recorded(model, pixels(2, 3, 32, 32))


def test_cells_are_found_by_their_true_centres(model):
    grid = stage_grids(model.config, 64, 64)[1][0]  # 8×8 cells, centres at 1.5 + 8 i
    assert (grid.first, grid.stride) == ((1.5, 1.5), (8, 8))
    assert cells_within(grid, 5.4, 5.6) == [(0, 1)]  # 5.5 lies between the centres 1.5 and 9.5
    assert cells_within(grid, 63, -3) == [(7, 0)]
    centres = 1.5 + 8 * np.arange(8)
    wanted = [(r, c) for r in range(8) for c in range(8) if abs(centres[r] - 30) <= 12 and abs(centres[c] - 60) <= 12]
    assert cells_within(grid, 30, 60, 12) == wanted
    assert moves_between(grid, (9.5, 9.5), (25.5, 57.5), 8, cls=True) == tuple(
        (1 + row * 8 + column, 1 + (row + 2) * 8 + column + 6) for row in range(3) for column in range(2)
    )


def test_one_spot_across_two_pictures(model):
    with torch.inference_mode(), capture(model) as a:
        model(A)
    with torch.inference_mode(), capture(model) as b:
        model(B)
    first, second = (each.feature_map(1)[0] for each in (a, b))
    found = similarity(first.numpy(), 2, 1, second.numpy())
    wanted = torch.nn.functional.cosine_similarity(first[:, 2, 1, None, None], second, dim=0)
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-6)
    of_a, of_b = (BlockAttention(*(each[0].numpy() for each in (q, k)), scale, True) for q, k, scale in (s.query_key(2, 1) for s in (a, b)))
    found = attention_across(of_a, of_b, [0, 3])
    query, key = (torch.from_numpy(each) for each in (of_a.query, of_b.key))
    wanted = torch.softmax(torch.einsum("hqd,hkd->hqk", query, key) * of_a.scale, dim=2)[:, [0, 3]]
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-6)
    np.testing.assert_allclose(attention_across(of_a, of_a, [0]), a.attention(2, 1, [0])[0].numpy(), atol=1e-6)
    with pytest.raises(ValueError, match="same block"):
        attention_across(of_a, BlockAttention(of_b.query[:2], of_b.key[:2], of_b.scale, True), [0])
    with pytest.raises(ValueError, match="same stage"):
        similarity(first.numpy(), 0, 0, second.numpy()[:3])
