"""One picture, one pass, one frozen value: against the model's own outputs."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from cvt.architecture.geometry import stage_grids
from cvt.processor import CvtImageProcessor
from tests.helpers import tiny_model
from visualize import explore
from visualize.crops import CROP_SIDE

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def picture(width=90, height=70, seed=0):
    """Smooth random colours: resizing keeps them recognisable."""
    small = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def processor(size=48, **changes):
    return CvtImageProcessor(size=size, **changes)


def outputs(model, pixel_values):
    with torch.inference_mode():
        return model(pixel_values.to(model.device), output_hidden_states=True, output_attentions=True)


def arrays(value, path=""):
    """Every numpy array in a value of nested dataclasses, lists and tuples, by its path."""
    if isinstance(value, np.ndarray):
        return {path: value}
    if dataclasses.is_dataclass(value):
        return {k: v for each in dataclasses.fields(value) for k, v in arrays(getattr(value, each.name), f"{path}.{each.name}").items()}
    if isinstance(value, (tuple, list)):
        return {k: v for index, each in enumerate(value) for k, v in arrays(each, f"{path}[{index}]").items()}
    assert not isinstance(value, torch.Tensor), path
    return {}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"cls_token": True},
        {"cls_token": False},
        {"qkv_projection_method": ("avg", "dw_bn", "linear")},
        {"depth": (2, 0, 1)},
        {"embed_dim": (8,), "num_heads": (2,), "depth": (2,)},
    ],
    ids=str,
)
def test_everything_equals_the_models_own_outputs(changes, device):
    model, image = tiny_model(**changes).to(device), picture()
    pixel_values = processor()(image, return_tensors="pt").pixel_values
    expected, result = outputs(model, pixel_values), explore(model, processor(), image)
    assert np.abs(result.logits - expected.logits[0].cpu().numpy()).max() < 1e-5
    assert result.probabilities == pytest.approx(torch.softmax(expected.logits[0], -1).cpu().numpy(), abs=1e-6)
    weights = iter(expected.attentions)
    grids = stage_grids(model.config, 48, 48)
    assert len(result.stages) == model.config.num_stages
    for stage, state, config, grid in zip(result.stages, expected.hidden_states, model.config.stages, grids, strict=True):
        assert stage.config == config
        assert (stage.query_grid, stage.key_grid) == grid
        assert np.abs(stage.features - state[0].cpu().numpy()).max() < 1e-5
        assert stage.features.shape == (config.embed_dim, *stage.query_grid.shape)
        assert len(stage.blocks) == config.depth
        for attention in stage.blocks:
            assert attention.has_cls == config.cls_token
            assert np.abs(attention.weights() - next(weights)[0].cpu().numpy()).max() < 1e-6
            assert attention.shape[1:] == tuple(rows * columns + config.cls_token for rows, columns in (grid[0].shape, grid[1].shape))


def test_the_picture_is_the_one_the_model_got():
    model, image = tiny_model(), picture()
    result = explore(model, processor(image_mean=0.0, image_std=1.0), image)
    values = processor(image_mean=0.0, image_std=1.0)(image, return_tensors="np").pixel_values[0]
    assert result.pixels.dtype == np.uint8
    assert np.array_equal(result.pixels, np.round(values * 255).astype(np.uint8).transpose(1, 2, 0))
    assert result.original_size == (90, 70)
    assert result.crop_box == processor().crop_box(90, 70)
    left, top, right, bottom = result.crop_box
    assert result.crop.size == (round(bottom - top),) * 2  # its own resolution, in the model's aspect
    assert abs(right - left - result.crop.width) < 1
    same = np.asarray(result.crop.resize((48, 48), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(same - result.pixels).mean() < 2


@pytest.mark.parametrize(("width", "height"), [(4000, 300), (300, 4000), (2000, 1500)])
def test_the_crop_is_no_larger_than_a_screen_shows(width, height):
    result = explore(tiny_model(), processor(do_resize=False), picture(width, height).resize((width // 10, height // 10)))
    assert max(result.crop.size) <= CROP_SIDE
    big = explore(tiny_model(), processor(), picture(width, height))
    assert max(big.crop.size) <= CROP_SIDE


def test_an_unresized_picture_longer_than_a_screen_is_shown_smaller_in_its_own_aspect():
    result = explore(tiny_model(embed_dim=(4,), num_heads=(1,), depth=(0,)), processor(do_resize=False), picture(1536, 40))
    assert result.pixels.shape == (40, 1536, 3)
    assert result.crop.size == (768, 20)


def test_a_picture_that_is_not_resized_keeps_its_own_shape():
    model, image = tiny_model(), picture(56, 40)
    result = explore(model, processor(do_resize=False), image)
    assert result.pixels.shape == (40, 56, 3)
    assert np.array_equal(result.pixels, np.asarray(image))
    assert result.crop_box == (0, 0, 56, 40)
    assert result.crop.size == (56, 40)
    assert [stage.query_grid.shape for stage in result.stages] == [(10, 14), (5, 7), (3, 4)]
    expected = outputs(model, processor(do_resize=False)(image, return_tensors="pt").pixel_values)
    assert np.abs(result.logits - expected.logits[0].numpy()).max() < 1e-5


def test_it_runs_the_model_once_and_leaves_no_hook():
    model, passes = tiny_model(), []
    handle = model.register_forward_hook(lambda *_: passes.append("model"))
    inner = [stage.register_forward_hook(lambda *_: passes.append("stage")) for stage in model.cvt.encoder.stages]
    before = {name: len(module._forward_hooks) + len(module._forward_pre_hooks) for name, module in model.named_modules()}
    explore(model, processor(), picture())
    assert passes == ["stage"] * 3 + ["model"]
    assert {name: len(module._forward_hooks) + len(module._forward_pre_hooks) for name, module in model.named_modules()} == before
    for each in (handle, *inner):
        each.remove()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_models_in_other_precisions_give_float32_arrays_close_to_those_of_the_full_model(dtype, device):
    full = explore(tiny_model(), processor(), picture())
    half = explore(tiny_model().to(device, dtype), processor(), picture())
    for name, array in arrays(half).items():
        assert array.dtype == arrays(full)[name].dtype, name
        assert np.isfinite(array).all(), name
    tolerance = {torch.float16: 0.02, torch.bfloat16: 0.15, torch.float64: 1e-4}[dtype]
    assert np.abs(half.logits - full.logits).max() < tolerance * np.abs(full.logits).max()
    for ours, expected in zip(half.stages, full.stages, strict=True):
        for block, other in zip(ours.blocks, expected.blocks, strict=True):
            assert np.abs(block.weights() - other.weights()).max() < tolerance
    assert half.probabilities.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("device", DEVICES)
def test_it_is_frozen_down_to_its_numbers(device):
    model = tiny_model().to(device)
    result = explore(model, processor(), picture())
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.logits = None
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.stages[0].features = None
    found = arrays(result)
    # pixels, logits, probabilities; evidence and its rest; the features of every stage; q and k of every block
    assert len(found) == 3 + 2 + model.config.num_stages + 2 * sum(model.config.depth)
    for name, array in found.items():
        assert not array.flags.writeable, name
        assert array.flags.c_contiguous or ".features" not in name, name  # other arrays stay where the model wrote them
        assert array.dtype == (np.uint8 if name == ".pixels" else np.float32)


def test_its_size_is_that_of_its_arrays_and_its_picture():
    result = explore(tiny_model(), processor(), picture())
    pictures = 3 * result.crop.width * result.crop.height + 3 * result.whole.width * result.whole.height
    assert result.nbytes == sum(array.nbytes for array in arrays(result).values()) + pictures


def test_the_most_probable_classes():
    model = tiny_model(id2label=dict(enumerate("abcde")), num_labels=None)
    result = explore(model, processor(), picture())
    order = sorted(range(5), key=lambda index: -result.logits[index])
    assert result.top(3) == [("abcde"[index], pytest.approx(float(result.probabilities[index]))) for index in order[:3]]
    assert len(result.top(99)) == 5


def test_queries_are_numbered_along_the_rows_after_the_cls_token():
    stages = explore(tiny_model(), processor(do_resize=False), picture(56, 40)).stages
    assert stages[0].query_index(2, 3) == 2 * 14 + 3
    assert stages[2].query_index(0, 0) == 1
    assert stages[2].query_index(2, 3) == 1 + 2 * 4 + 3 == stages[2].blocks[0].shape[1] - 1
    for row, column in ((3, 0), (0, 4), (-1, 0), (0, -1)):
        with pytest.raises(ValueError, match=f"no token at row {row}, column {column}"):
            stages[2].query_index(row, column)


def test_an_input_too_small_is_one_sentence():
    with pytest.raises(ValueError, match="too small"):
        explore(tiny_model(patch_padding=0), processor(do_resize=False), picture(9, 9))
