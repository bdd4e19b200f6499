"""Where grids lie, against the gradients of the model's own convolutions."""

import pytest
import torch
from torch import Tensor

from cvt.architecture.geometry import Grid, stage_grids
from cvt.config import PUBLISHED, CvtConfig
from cvt.model import CvtModel
from tests.helpers import randomize, tiny_config

SHAPES = {
    "tiny": ({}, 64, 64),
    "wide": ({}, 48, 96),
    "odd": ({}, 61, 83),
    "kernel 5": ({"kernel_qkv": 5, "padding_q": 2, "padding_kv": 2, "stride_kv": (1, 2, 3)}, 80, 64),
    "kernel 1": ({"kernel_qkv": 1, "padding_q": 0, "padding_kv": 0}, 64, 64),
    "less padding": ({"padding_kv": 0, "patch_padding": 0}, 90, 75),
    "avg": ({"qkv_projection_method": "avg"}, 62, 90),
    "avg with a last partial window": ({"qkv_projection_method": "avg", "kernel_qkv": 2, "stride_kv": 2, "padding_kv": 0}, 76, 76),
    "linear": ({"qkv_projection_method": "linear"}, 64, 64),
    "uneven patches": ({"patch_sizes": ((7, 3), 3, (1, 3)), "patch_stride": ((4, 2), 1, 2), "patch_padding": ((2, 1), 1, (0, 1))}, 64, 64),
    "no overlap": ({"patch_sizes": (4, 2, 2), "patch_padding": 0}, 64, 64),
    "one stage": ({"embed_dim": (8,), "num_heads": (1,), "depth": (1,)}, 40, 40),
    "four stages": ({"embed_dim": (4, 4, 8, 8), "num_heads": (1,) * 4, "depth": (1,) * 4, "patch_stride": (2, 2, 2, 1)}, 70, 60),
}  # fmt: skip


def maps(model: CvtModel, pixel_values: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Every stage's tokens and keys, (C, H, W) each, through conv embeddings and one key projection alone."""
    x, result = pixel_values, []
    for stage, config in zip(model.encoder.stages, model.config.stages, strict=True):
        tokens, grid = stage.embedding(x)
        keys = stage.layers[0].attention.attention.convolution_projection_key(tokens, grid)
        x = tokens.unflatten(1, grid).permute(0, 3, 1, 2)
        result.append((x[0], keys.unflatten(1, config.key_grid(*grid)).permute(0, 3, 1, 2)[0]))
    return result


def reached(cell: Tensor, pixel_values: Tensor) -> tuple[int, int, int, int]:
    """top, left, bottom, right of the pixels that change a cell (C,); C is weighted unevenly, or LayerNorm would cancel it."""
    weights = torch.linspace(1, 2, len(cell), dtype=cell.dtype) ** 3
    (gradient,) = torch.autograd.grad((cell * weights).sum(), pixel_values, retain_graph=True)
    rows, columns = gradient.abs().sum((0, 1)).nonzero().T
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


def cells(grid: Grid) -> list[tuple[int, int]]:
    """The corners, the middle, and some between."""
    rows, columns = grid.shape
    return sorted({(row, column) for row in (0, 1, rows // 2, rows - 1) for column in (0, columns // 3, columns - 1) if row < rows})


@pytest.mark.parametrize("name", SHAPES)
def test_centres_and_fields_are_those_of_the_gradients(name):
    changes, height, width = SHAPES[name]
    config = CvtConfig(**changes) if "depth" in changes else tiny_config(**changes)
    model = randomize(CvtModel(config)).double()
    pixel_values = torch.rand(1, 3, height, width, dtype=torch.double, requires_grad=True)
    whole = 0
    for grids, tensors in zip(stage_grids(config, height, width), maps(model, pixel_values), strict=True):
        for grid, tensor in zip(grids, tensors, strict=True):
            assert grid.shape == tuple(tensor.shape[1:])
            for row, column in cells(grid):
                top, left, bottom, right = reached(tensor[:, row, column], pixel_values)
                field = grid.receptive_field(row, column)
                assert field[0] <= top
                assert field[1] <= left
                assert bottom <= field[2]
                assert right <= field[3]
                if min(field[:2]) >= 0 and field[2] <= height and field[3] <= width:  # nothing of it is cut off
                    whole += 1
                    assert (top, left, bottom, right) == field
                    y, x = grid.centre(row, column)
                    assert abs((top + bottom) / 2 - y) <= 0.5
                    assert abs((left + right) / 2 - x) <= 0.5
    assert whole >= 4  # the strict half of the test took place


def test_published_models_tokens_lie_where_their_paddings_put_them():
    """Pixel j's centre is at j + 0.5: tokens are centred on pixels 4i + 1, 8i + 1, 16i + 1, the last keys on 32j + 1."""
    grids = stage_grids(CvtConfig(**PUBLISHED["CvT-13"]), 224, 224)
    for (queries, keys), step in zip(grids, (4, 8, 16), strict=True):
        assert queries.shape == (224 // step, 224 // step)
        assert queries.centre(3, 5) == (3 * step + 1.5, 5 * step + 1.5)
        assert keys.shape == (112 // step, 112 // step)
        assert keys.centre(3, 5) == (6 * step + 1.5, 10 * step + 1.5)
    assert [grid.field for pair in grids for grid in pair] == [(side, side) for side in (7, 15, 15, 31, 31, 63)]


def test_a_cell_is_a_stride_wide_around_its_centre():
    grid = Grid((4, 5), (1.5, 3.0), (4.0, 2.0), (7.0, 9.0))
    assert grid.cell(2, 1) == (7.5, 4.0, 11.5, 6.0)
    assert grid.receptive_field(2, 1) == (6.0, 0.5, 13.0, 9.5)
    assert grid.cell(2, 1)[2] == grid.cell(3, 1)[0]  # cells touch
    assert grid.cell(2, 1)[3] == grid.cell(2, 2)[1]


def test_an_input_too_small_is_refused():
    with pytest.raises(ValueError, match="too small"):
        stage_grids(tiny_config(patch_padding=0), 8, 8)


def test_the_keys_of_a_linear_projection_are_the_queries():
    for queries, keys in stage_grids(tiny_config(qkv_projection_method="linear"), 64, 48):
        assert queries == keys
