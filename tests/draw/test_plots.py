"""Figures: what is drawn is the exact weights, at the true geometry, under true words."""

import importlib
import io
import sys

import numpy as np
import pytest
from PIL import Image

from cvt.processor import CvtImageProcessor
from tests.helpers import tiny_model
from visualize import draw, explore
from visualize.draw.plots import ACCENT, OPACITY, extent, number, overview, percent, shortened, training_curves
from visualize.maps.attention import statistics
from visualize.maps.features import principal_components


def exploration(width=64, height=48, colour=None, **changes):
    if colour is None:
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    else:
        pixels = np.full((height, width, 3), colour, np.uint8)
    model = tiny_model(id2label=dict(enumerate(["cat", "dog", "a $5 note$", "owl", "x" * 99])), num_labels=None, **changes)
    return explore(model, CvtImageProcessor(do_resize=False), Image.fromarray(pixels))


def panels(figure):
    """The axes of picture, attention and features, and the colour bar's, by where they stand."""
    picture, attention, bar, features = sorted(figure.axes, key=lambda axes: axes.get_position().x0)
    return picture, attention, bar, features


def words(figure):
    texts = [figure.get_suptitle()]
    for axes in figure.axes:
        texts += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
    return "\n".join(texts)


@pytest.mark.parametrize(("stage", "block", "head", "query"), [(0, 0, 0, 37), (1, 1, 1, 5), (2, 0, 2, 0), (2, 1, None, 3)])
def test_the_map_drawn_is_the_exact_row_of_weights_at_its_true_place(stage, block, head, query):
    shown = exploration()
    view = shown.stages[stage]
    weights = view.blocks[block].weights()[:, query]
    row = weights.mean(axis=0) if head is None else weights[head]
    _, axes, bar, _ = panels(overview(shown, stage, block, head, query))
    picture, cells = axes.images
    expected = row[view.config.cls_token :].reshape(view.key_grid.shape)
    assert np.abs(np.asarray(cells.get_array()) - expected).max() < 1e-7
    assert (cells.norm.vmin, cells.norm.vmax) == (0, pytest.approx(float(expected.max())))
    assert bar.get_ylim() == (cells.norm.vmin, cells.norm.vmax)
    top, left = (view.key_grid.first[axis] - view.key_grid.stride[axis] / 2 for axis in (0, 1))
    height, width = (view.key_grid.shape[axis] * view.key_grid.stride[axis] for axis in (0, 1))
    assert cells.get_extent() == pytest.approx([left, left + width, top + height, top])
    assert picture.get_extent() == [0, 64, 48, 0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 64), (48, 0))
    assert cells.origin == "upper"
    assert cells.get_interpolation() == "nearest"
    assert cells.get_cmap().name == "viridis"


def test_the_query_is_outlined_where_its_cell_is_and_the_cls_token_nowhere():
    shown = exploration()
    view = shown.stages[2]
    for axes in panels(overview(shown, 2, 0, 0, 1 + 2 * view.query_grid.shape[1] + 3))[:2]:
        (outline,) = axes.patches
        top, left, bottom, right = view.query_grid.cell(2, 3)
        assert (outline.get_x(), outline.get_y(), outline.get_width(), outline.get_height()) == (left, top, right - left, bottom - top)
        assert not outline.get_fill()
    assert all(not axes.patches for axes in panels(overview(shown, 2, 0, 0, 0))[:2])


def test_the_feature_map_is_its_components_at_the_tokens_places():
    shown = exploration()
    view = shown.stages[1]
    axes = panels(overview(shown, 1, 0, 0, 0))[3]
    (image,) = axes.images
    assert np.array_equal(np.asarray(image.get_array()), principal_components(view.features).rgb)
    assert tuple(image.get_extent()) == extent(view.query_grid)
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 64), (48, 0))


def test_colours_on_the_saved_picture_are_those_of_the_weights():
    """From the pixels of the file itself: in the middle of every key cell, viridis of its weight over the grey picture."""
    from matplotlib import colormaps

    shown = exploration(colour=200)
    view, query = shown.stages[0], 100
    figure = overview(shown, 0, 0, 0, query)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(float)
    axes = panels(figure)[1]
    weights = view.blocks[0].weights([query])[0, 0].reshape(view.key_grid.shape)
    seen = 0
    for row in range(view.key_grid.shape[0]):
        for column in range(view.key_grid.shape[1]):
            y, x = view.key_grid.centre(row, column)
            outline = view.query_grid.cell(*divmod(query, view.query_grid.shape[1]))
            if not (0 < y < 48 and 0 < x < 64) or (outline[0] - 2 < y < outline[2] + 2 and outline[1] - 2 < x < outline[3] + 2):
                continue
            across, up = axes.transData.transform((x, y))
            colour = np.array(colormaps["viridis"](weights[row, column] / weights.max())[:3]) * 255
            expected = OPACITY * colour + (1 - OPACITY) * 200
            assert np.abs(pixels[round(pixels.shape[0] - up), round(across)] - expected).max() <= 4
            seen += 1
    assert seen > 20


def test_words_and_numbers_say_what_is_drawn():
    shown = exploration()
    row = shown.stages[2].blocks[1].weights([8])[1, 0]
    numbers, text = statistics(row), words(overview(shown, 2, 1, 1, 8))
    columns = shown.stages[2].query_grid.shape[1]
    for part in (
        "Stage 3, block 2, head 2: how strongly the token",
        f" at row {7 // columns + 1}, column {7 % columns + 1} attends to each of the 2×2 key cells",
        f"min {percent(numbers.minimum)}, max {percent(numbers.maximum)} = {numbers.times_uniform:.1f} × uniform",
        f"entropy {numbers.entropy:.1f} of 2.3 bit",
        f"the cls token itself gets {percent(row[0])}",
        "48×64",
        "3×4 tokens of 24 channels",
        f"values {number(shown.stages[2].features.min())} … {number(shown.stages[2].features.max())}",
        ", ".join(percent(share) for share in principal_components(shown.stages[2].features).explained),
    ):
        assert part in text, text
    for label, share in shown.top(3):
        assert f"{shortened(label)}  {percent(share)}" in text
    assert "the cls token attends" in words(overview(shown, 2, 1, 1, 0))
    assert "mean of 3 heads" in words(overview(shown, 2, 1, None, 0))
    assert "cls" not in words(overview(shown, 0, 0, 0, 0))


@pytest.mark.parametrize(("width", "height"), [(64, 64), (200, 40), (40, 200)])
def test_nothing_is_cut_off_or_drawn_over_another(width, height):
    figure = overview(exploration(width, height), 2, 0, 0, 1)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    whole = figure.bbox
    boxes = [axes.get_tightbbox(renderer) for axes in panels(figure)]
    title = figure.texts[0].get_window_extent(renderer) if figure.texts else figure._suptitle.get_window_extent(renderer)
    for box in (*boxes, title):
        assert whole.x0 - 1 <= box.x0
        assert box.x1 <= whole.x1 + 1
        assert whole.y0 - 1 <= box.y0
        assert box.y1 <= whole.y1 + 1
    for axes, box in zip(panels(figure), boxes, strict=True):
        assert axes.title.get_window_extent(renderer).y1 < title.y0
        assert sum(box.overlaps(other) for other in boxes) == 1, axes.get_title()  # only itself


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((3, 0, 0, 0), "no stage 3 in this model: choose 0 to 2"),
        ((-1, 0, 0, 0), "no stage -1"),
        ((1, 2, 0, 0), "no block 2 in stage 1: choose 0 to 1"),
        ((0, 0, 1, 0), "no head 1 in stage 0: choose 0 to 0"),
        ((0, 0, 0, 999), "from 0 to 191"),
    ],
)
def test_what_does_not_exist_is_refused(place, words):
    with pytest.raises(ValueError, match=words):
        overview(exploration(), *place)


def test_a_stage_without_blocks_is_refused():
    with pytest.raises(ValueError, match="no block"):
        overview(exploration(depth=(1, 0, 1)), 1, 0, 0, 0)


def test_curves_go_through_the_historys_points():
    rows = [{"step": 100, "side": 32, "loss": 5.0, "top1": None}, {"step": 200, "side": 64, "loss": 4.0, "top1": 0.25}]
    figure = training_curves(rows)
    loss, top1 = figure.axes
    assert loss.lines[0].get_xydata().tolist() == [[100, 5], [200, 4]]
    assert top1.lines[0].get_xydata().tolist() == [[200, 0.25]]
    assert (loss.get_ylabel(), top1.get_xlabel()) == ("training loss", "step")
    assert [text.get_text() for text in loss.texts] == ["32 px", "64 px"]
    from_file = [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]
    again = training_curves(from_file)
    assert again.axes[0].lines[0].get_xydata().tolist() == [[100, 5], [200, 4]]
    assert again.axes[1].lines[0].get_xydata().tolist() == [[200, 0.25]]


def test_a_history_without_numbers_is_refused():
    for rows in ([], [{"step": 1}], [{"step": 1, "loss": ""}]):
        with pytest.raises(ValueError, match="nothing to draw"):
            training_curves(rows)


def test_no_figure_is_held_by_pyplot(monkeypatch):
    """Which keeps every figure that is made by it until the program ends; here nothing may even import it."""
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.delitem(sys.modules, "visualize.draw.plots")
    monkeypatch.setattr(draw, "plots", draw.plots)  # which importing replaces
    anew = importlib.import_module("visualize.draw.plots")
    anew.training_curves([{"step": 1, "loss": 2}]).savefig(io.BytesIO(), format="png")
    anew.overview(exploration(), 1, 0, 0, 0).savefig(io.BytesIO(), format="png")


def test_numbers_in_words():
    assert [percent(share) for share in (0, 0.0000001, 0.000123, 0.0123, 0.0996, 0.5, 1)] == [
        "0\u202f%", "<\u202f0.001\u202f%", "0.012\u202f%", "1.2\u202f%", "10\u202f%", "50\u202f%", "100\u202f%",
    ]  # fmt: skip
    assert [number(value) for value in (-1.234, 12.34, -123.4)] == ["−1.23", "12.3", "−123"]
    assert shortened("x" * 99) == "x" * 39 + "…"
    assert ACCENT.startswith("#")
