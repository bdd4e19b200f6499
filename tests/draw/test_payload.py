"""The payload: what the browser gets equals what the model did, within what a byte can say, and fits its bounds."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from cvt.architecture.geometry import stage_grids
from cvt.config import PUBLISHED, CvtConfig
from cvt.model import CvtForImageClassification
from cvt.processor import CvtImageProcessor
from visualize.container import pack, unpack
from visualize.draw.computed import quantise_channels
from visualize.draw.payload import block_payload, payload
from visualize.explore import Exploration, StageExploration, explore
from visualize.maps.attention import BlockAttention


def model_of(seed: int = 0, **changes) -> CvtForImageClassification:
    """A small CvT with weights large enough for attention that is far from uniform."""
    torch.manual_seed(seed)
    config = CvtConfig(**{"embed_dim": (16, 24, 32), "num_heads": (1, 2, 4), "depth": (1, 2, 3), "num_labels": 7} | changes)
    model = CvtForImageClassification(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.mul_(30 if "convolution" in name else 8)
    return model


def travelled(arrays):
    """(stage, block) of all blocks whose attention is among the arrays."""
    return sorted({tuple(map(int, name.split("/")[0].split("."))) for name in arrays if "." in name})


def photo(width: int = 120, height: int = 90) -> Image.Image:
    rng = np.random.default_rng(3)
    return Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def exploration():
    return explore(model_of(), CvtImageProcessor(size=64), photo())


@pytest.fixture(scope="module")
def opened(exploration):
    return unpack(payload(exploration))


def weights_of(arrays: dict, place: str) -> np.ndarray:
    return arrays[f"{place}/peak"][..., None] * arrays[f"{place}/weights"] / 255.0


def test_every_weight_is_within_a_255th_of_its_rows_largest(exploration, opened):
    _, arrays = opened
    assert travelled(arrays) == [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]
    for stage, block in travelled(arrays):
        exact = exploration.stages[stage].blocks[block].weights().astype(np.float64)
        largest = exact.max(axis=-1, keepdims=True)
        assert (np.abs(weights_of(arrays, f"{stage}.{block}") - exact) <= largest / 255).all()
        assert np.allclose(arrays[f"{stage}.{block}/peak"], largest[..., 0], rtol=1e-5)
    # a test of nothing if all rows were flat
    assert exploration.stages[0].blocks[0].weights().max() > 3 / 64


def test_the_large_form_gives_the_same_weights(exploration):
    _, arrays = unpack(block_payload(exploration, 2, 1, max_bytes=1))
    assert travelled(arrays) == [(2, 1)]
    assert set(arrays) == {"2.1/" + name for name in ("query", "key", "norm", "peak", "mean")}
    exact = exploration.stages[2].blocks[1].weights().astype(np.float64)
    scores = arrays["2.1/query"].astype(np.float64) @ arrays["2.1/key"].astype(np.float64).transpose(0, 2, 1)
    assert np.allclose(np.exp(scores - arrays["2.1/norm"][..., None]), exact, atol=1e-5)
    assert np.allclose(arrays["2.1/peak"], exact.max(axis=-1), atol=1e-6)
    assert np.allclose(arrays["2.1/mean"], exact.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("gain", [1, 300, 3000])
def test_attention_with_large_scores_is_drawn_as_it_is(exploration, gain):
    block = exploration.stages[2].blocks[1]
    sharp = replace(block, query=block.query * np.float32(gain), key=block.key * np.float32(gain))
    seen = replace(exploration, stages=(replace(exploration.stages[2], blocks=(sharp,)),))
    _, arrays = unpack(block_payload(seen, 0, 0, max_bytes=1 << 20))
    exact = sharp.weights().astype(np.float64)
    assert (arrays["0.0/weights"].max(axis=-1) == 255).all()
    assert (np.abs(arrays["0.0/peak"] - exact.max(axis=-1)) <= 1e-3).all()
    near = np.abs(weights_of(arrays, "0.0") - exact) <= exact.max(axis=-1, keepdims=True) / 255 + 1e-3
    assert near.mean() > 0.999  # scores of 10⁶ have no more than one digit after the point


@pytest.mark.parametrize("changes", [{"depth": (2, 0, 1)}, {"num_labels": 0}])
def test_stages_without_blocks_and_models_without_classes_travel_too(changes):
    seen = explore(model_of(**changes), CvtImageProcessor(size=64), photo())
    for room in (8 << 20, 40_000):
        header, _ = unpack(payload(seen, max_bytes=room))
        assert [len(peaks) for peaks in header["peaks"]] == [len(stage.blocks) for stage in seen.stages]
        assert len(header["top"]) == min(5, len(seen.labels))
    assert seen.top() == ([] if "num_labels" in changes else seen.top(5))


def test_features_are_within_half_a_step_and_the_mean_is_exact(exploration, opened):
    _, arrays = opened
    for index, stage in enumerate(exploration.stages):
        lo, hi = (arrays[f"{index}/{name}"][:, None, None] for name in ("lo", "hi"))
        shown = lo + (hi - lo) * arrays[f"{index}/features"] / 255.0
        assert (np.abs(shown - stage.features) <= (hi - lo) / 509).all()
        assert np.allclose(arrays[f"{index}/mean"], stage.features.mean(axis=0), atol=1e-6)
        variances = stage.features.reshape(len(stage.features), -1).var(axis=1)
        assert (np.diff(variances[arrays[f"{index}/order"]]) <= 1e-6).all()


def test_a_channel_that_never_changes():
    features = np.zeros((2, 3, 4), np.float32)
    features[1] = 5
    values, lo, hi = quantise_channels(torch.from_numpy(features))
    assert (values == 0).all()
    assert lo.tolist() == hi.tolist() == [0, 5]


def test_pictures_classes_and_geometry(exploration, opened):
    header, arrays = opened
    assert np.array_equal(arrays["pixels"], exploration.pixels)
    crop = Image.open(io.BytesIO(arrays["crop"].tobytes()))
    assert crop.format == "JPEG"
    assert crop.size == exploration.crop.size
    difference = np.abs(np.asarray(crop, np.float32) - np.asarray(exploration.crop, np.float32))
    assert difference.mean() < 4
    assert [(each["label"], each["probability"]) for each in header["top"]] == exploration.top(5)
    assert header["classes"] == 7
    for described, stage in zip(header["stages"], exploration.stages, strict=True):
        for name, grid in (("query", stage.query_grid), ("key", stage.key_grid)):
            assert tuple(described[name]["shape"]) == grid.shape
            assert tuple(described[name]["first"]) == grid.first
            assert tuple(described[name]["stride"]) == grid.stride
            assert tuple(described[name]["field"]) == grid.field
        assert described["cls"] is stage.config.cls_token
        assert (described["depth"], described["heads"], described["width"]) == (
            len(stage.blocks),
            stage.blocks[0].heads,
            len(stage.features),
        )


def test_the_container_is_as_described(exploration):
    data = payload(exploration)
    (length,) = struct.unpack_from("<I", data)
    header = json.loads(data[4 : 4 + length])
    assert (4 + length) % 8 == 0
    assert all(each["offset"] % 8 == 0 for each in header["arrays"])
    last = header["arrays"][-1]
    assert len(data) >= 4 + length + last["offset"] + np.dtype(last["dtype"]).itemsize * int(np.prod(last["shape"]))


def test_pack_and_unpack():
    arrays = {
        "a": np.arange(5, dtype=np.uint8),
        "b/ü": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3),
        "c": np.zeros((0, 4), np.uint16),
    }
    header, again = unpack(pack({"said": "“yes”"}, arrays))
    assert header == {"said": "“yes”"}
    assert set(again) == set(arrays)
    for name, array in arrays.items():
        assert again[name].shape == array.shape
        assert np.array_equal(again[name], array)


@pytest.mark.parametrize("data", [b"", b"abc", struct.pack("<I", 99) + b"{}"])
def test_bytes_that_are_no_container(data):
    with pytest.raises(ValueError, match="truncated"):
        unpack(data)


@pytest.mark.parametrize("room", [29_000, 34_000, 40_000, 50_000])
def test_max_bytes_is_kept_and_the_last_stages_last_block_comes_first(exploration, room):
    data = payload(exploration, max_bytes=room)
    _, arrays = unpack(data)
    everything = len(payload(exploration))
    assert len(data) <= room < everything
    assert len(travelled(arrays)) < 6
    assert not travelled(arrays) or (2, 2) in travelled(arrays)
    for stage, block in travelled(arrays):
        assert f"{stage}.{block}/weights" in arrays or f"{stage}.{block}/query" in arrays


@pytest.mark.parametrize("room", [29_000, 50_000, 8 << 20])
def test_the_largest_weight_of_every_block_is_told_whether_it_travels_or_not(exploration, room):
    header, arrays = unpack(payload(exploration, max_bytes=room))
    expected = [[block.weights().max() for block in stage.blocks] for stage in exploration.stages]
    assert (room == 8 << 20) == (len(travelled(arrays)) == 6)
    for found, wanted in zip(header["peaks"], expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def drawn(name: str, side: int) -> Exploration:
    """An exploration of a published architecture's true shape, with random numbers for what the model would have computed."""
    config, rng = CvtConfig(**PUBLISHED[name]), np.random.default_rng(0)
    noise = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    stages = []
    for stage, (query, key) in zip(config.stages, stage_grids(config, side, side), strict=True):
        q, k = (
            rng.standard_normal((stage.num_heads, grid.shape[0] * grid.shape[1] + stage.cls_token, stage.embed_dim // stage.num_heads))
            .astype(np.float32)
            for grid in (query, key)
        )  # fmt: skip
        blocks = (BlockAttention(q, k, stage.embed_dim**-0.5, stage.cls_token),) * stage.depth
        stages.append(StageExploration(stage, rng.standard_normal((stage.embed_dim, *query.shape)).astype(np.float32), blocks, query, key))
    labels = tuple(config.id2label.values())
    logits = np.zeros(len(labels), np.float32)
    crop = Image.fromarray(noise)
    return Exploration(noise, crop, (0, 0, side, side), (side, side), logits, logits + np.float32(1 / len(labels)), labels, tuple(stages))


@pytest.mark.parametrize(("name", "first"), [("CvT-13", {(0, 0), (1, 1), (2, 9)}), ("CvT-W24", {(2, 19)})])
def test_at_384_pixels_a_block_travels_alone_below_10_mb(name, first):
    seen = drawn(name, 384)
    data = payload(seen)
    assert len(data) < 10_000_000
    arrays = unpack(data)[1]
    assert set(travelled(arrays)) >= first  # what one sees at once
    assert len(travelled(arrays)) < sum(len(stage.blocks) for stage in seen.stages)
    for stage in range(3):
        assert len(block_payload(seen, stage, 0)) < 10_000_000


def test_a_missing_block_is_a_sentence(exploration):
    with pytest.raises(ValueError, match="no stage 3"):
        block_payload(exploration, 3, 0)
    with pytest.raises(ValueError, match="no block 2 in stage 1"):
        block_payload(exploration, 1, 2)


def broken(part: str, value: float) -> CvtForImageClassification:
    """A model with one number that is not finite, where it reaches only the class scores, a stage, or attention."""
    model = model_of()
    names = {
        "stage": "cvt.encoder.stages.1.embedding.convolution_embeddings.projection.weight",
        "scores": "classifier.weight",
        "attention": "cvt.encoder.stages.2.layers.2.attention.attention.projection_query.weight",
    }
    with torch.no_grad():
        model.get_parameter(names[part]).view(-1)[0] = value
    return model


@pytest.mark.parametrize(
    ("part", "words"), [("stage", "feature map of stage 2"), ("scores", "class scores"), ("attention", "attention weights|class scores")]
)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_a_sentence(part, words, value):
    seen = explore(broken(part, value), CvtImageProcessor(size=64), photo())
    with pytest.raises(ValueError, match=f"gives NaN or infinity.*({words})"):
        payload(seen)
    with pytest.raises(ValueError, match="gives NaN or infinity"):
        block_payload(seen, 2, 2) if part != "scores" else payload(seen)


def test_attention_that_overflows_is_a_sentence(exploration):
    block = exploration.stages[0].blocks[0]
    large = replace(block, query=block.query * np.float32(1e30), key=block.key * np.float32(1e30))
    for room in (1 << 20, 1):
        with pytest.raises(ValueError, match="attention weights"):
            block_payload(replace(exploration, stages=(replace(exploration.stages[0], blocks=(large,)),)), 0, 0, max_bytes=room)


def test_cvt_13_at_224_fits_into_5_mb_even_for_noise():
    torch.manual_seed(0)
    noise = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    data = payload(explore(CvtForImageClassification(CvtConfig()).eval(), CvtImageProcessor(size=224), noise))
    assert len(travelled(unpack(data)[1])) == 13
    assert len(data) <= 5_000_000


def test_a_model_without_cls_token_and_a_picture_that_is_not_square():
    model = model_of(cls_token=(False, False, False), qkv_projection_method=("dw_bn", "avg", "linear"))
    seen = explore(model, CvtImageProcessor(do_resize=False), photo(96, 64))
    header, arrays = unpack(payload(seen))
    assert header["input"] == [64, 96]
    assert header["stages"][2]["cls"] is False
    queries, keys = header["stages"][2]["query"]["shape"], header["stages"][2]["key"]["shape"]
    assert arrays["2.0/weights"].shape == (4, queries[0] * queries[1], keys[0] * keys[1])


def places(width: int, height: int) -> Image.Image:
    """A picture whose red says how far to the right a pixel is, and its green how far down."""
    across, down = np.linspace(0, 255, width), np.linspace(0, 255, height)
    values = np.stack(np.broadcast_arrays(across[None, :], down[:, None], 128.0), axis=-1)
    return Image.fromarray(values.round().astype(np.uint8))


def turned(picture: Image.Image) -> bytes:
    """A JPEG of it as a camera held upright stores it: on its side, with a note that says so."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6  # to be shown turned clockwise
    picture.transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", quality=98, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("crop_pct", [1.0, 0.75])
@pytest.mark.parametrize("size", [(640, 480), (480, 640), (2000, 200), (97, 970), (150, 101), (5, 40)])
@pytest.mark.parametrize("stored", ["upright", "turned"])
def test_the_frame_on_the_whole_picture_is_what_the_model_sees(size, crop_pct, stored):
    """The oracle is what the model's pixels say of their own places."""
    picture = places(*size)
    seen = explore(model_of(), CvtImageProcessor(size=64, crop_pct=crop_pct), turned(picture) if stored == "turned" else picture)
    header, arrays = unpack(payload(seen))
    assert header["original"] == list(size)
    whole = Image.open(io.BytesIO(arrays["whole"].tobytes()))
    assert max(whole.size) == min(160, max(size))
    assert whole.width * size[1] == pytest.approx(whole.height * size[0], abs=0.5 * max(size))  # the same shape, up to a pixel
    left, top, right, bottom = header["crop_box"]
    for axis, (low, high, side) in enumerate([(left, right, size[0]), (top, bottom, size[1])]):
        ramp = arrays["pixels"].astype(float).mean(axis=axis)[:, axis] / 255 * (side - 1) + 0.5
        inner = np.arange(len(ramp))[8:-8]  # off the borders, where there is less to interpolate from
        step, first = np.polyfit(inner + 0.5, ramp[8:-8], 1)
        assert first == pytest.approx(low, abs=0.01 * side + 0.3)
        assert first + step * len(ramp) == pytest.approx(high, abs=0.01 * side + 0.3)
        shown = np.asarray(whole.convert("RGB")).astype(float).mean(axis=axis)[:, axis]
        assert np.abs(shown - np.linspace(0, 255, whole.size[axis])).mean() < 8 + 255 / whole.size[axis]  # all of the picture, upright


@pytest.mark.parametrize("processor", [CvtImageProcessor(size=64, crop_pct=1.0), CvtImageProcessor(do_resize=False, do_center_crop=False)])
def test_a_picture_that_the_model_sees_all_of_has_no_frame(processor):
    header, arrays = unpack(payload(explore(model_of(), processor, photo(96, 96))))
    assert header["crop_box"] == [0, 0, 96, 96]
    assert "whole" not in arrays
