"""Arrays → matplotlib Figures: for the API's picture, notebooks, and the report of a training.

Figures are made without pyplot, which keeps every figure in a global list and is not safe among threads. Axes are in pixels of
the model's input, as in ``geometry.py``: the picture spans 0 … side. In words stages, blocks, heads, rows and columns count
from 1; arguments count from 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from cvt.architecture.geometry import Grid

from ..explore import Exploration, StageExploration
from ..maps.attention import statistics
from ..maps.features import principal_components

ACCENT = "#d6336c"  # seen on pictures and on viridis alike
OPACITY = 0.75  # of weights over the picture

# Inches. A panel is as wide as its slot, unless that would make it taller than PANEL_HEIGHT.
SLOT, PANEL_HEIGHT = 3.6, 5.0
LEFT, GAP, BAR, TOP, BOTTOM = 0.6, 0.75, 1.0, 0.85, 1.35


def overview(exploration: Exploration, stage: int, block: int, head: int | None, query: int) -> Figure:
    """The picture, one token's attention drawn on it at its true place, and the stage's feature map.

    Args:
        stage, block, head: from 0; a head of None is the mean of all heads.
        query: token index into the query grid, row-major, the cls token first where there is one.
    Raises:
        ValueError: a stage, block, head or query that there is not.
    """
    view = _pick(exploration.stages, stage, "stage", "this model")
    attention = _pick(view.blocks, block, "block", f"stage {stage}")
    rows = attention.weights([query])[:, 0]  # (heads, keys)
    weights = rows.mean(axis=0) if head is None else _pick(rows, head, "head", f"stage {stage}")
    height, width = exploration.pixels.shape[:2]
    panel = min(SLOT * height / width, PANEL_HEIGHT)
    figure = new_figure(LEFT + 3 * SLOT + 2 * GAP + BAR + 0.15, TOP + panel + BOTTOM)
    _draw_picture(_panel(figure, LEFT, SLOT), exploration, view, query)
    bar = _panel(figure, LEFT + 2 * SLOT + GAP + 0.2, 0.12)
    _draw_attention(_panel(figure, LEFT + SLOT + GAP, SLOT), bar, exploration, view, weights, query)
    _draw_features(_panel(figure, LEFT + 2 * SLOT + 2 * GAP + BAR, SLOT), exploration, view)
    heads = f"head {head + 1}" if head is not None else f"mean of {attention.heads} heads"
    figure.suptitle(
        f"Stage {stage + 1}, block {block + 1}, {heads}: how strongly {_token(view, query)} attends to each of the "
        f"{_grid(view.key_grid)} key cells",
        fontsize=12,
        y=1 - 0.2 / figure.get_figheight(),
    )
    return figure


def new_figure(width: float, height: float, **options) -> Figure:
    """An empty figure of (width, height) inches that can be saved and shown, and that nothing else holds."""
    figure = Figure(figsize=(width, height), dpi=100, **options)
    FigureCanvasAgg(figure)
    return figure


def _panel(figure: Figure, left: float, width: float) -> Axes:
    """Axes ``width`` inches wide, ``left`` inches from the edge, between title and text."""
    whole_width, whole_height = figure.get_size_inches()
    height = whole_height - TOP - BOTTOM
    return figure.add_axes((left / whole_width, BOTTOM / whole_height, width / whole_width, height / whole_height))


def extent(grid: Grid) -> tuple[float, float, float, float]:
    """left, right, bottom, top of a grid's cells as drawn, in pixels of the input: matplotlib's order, y pointing down."""
    top, left, _, _ = grid.cell(0, 0)
    _, _, bottom, right = grid.cell(grid.shape[0] - 1, grid.shape[1] - 1)
    return left, right, bottom, top


def draw_cells(axes: Axes, grid: Grid, values: np.ndarray, **style) -> AxesImage:
    """An image of one value a cell, (rows, columns) or (rows, columns, 3), each where its receptive field's centre is."""
    return axes.imshow(values, extent=extent(grid), interpolation="nearest", aspect="equal", **style)


def _pick(parts: Sequence, index: int, kind: str, owner: str):
    if not 0 <= index < len(parts):
        raise ValueError(f"There is no {kind} {index} in {owner}" + (f": choose 0 to {len(parts) - 1}." if len(parts) else "."))
    return parts[index]


def _place(view: StageExploration, query: int) -> tuple[int, int] | None:
    """(row, column) of a query's token; None for the cls token."""
    if view.config.cls_token and query == 0:
        return None
    return divmod(query - view.config.cls_token, view.query_grid.shape[1])


def _token(view: StageExploration, query: int) -> str:
    place = _place(view, query)
    return "the cls token" if place is None else f"the token at row {place[0] + 1}, column {place[1] + 1}"


def _grid(grid: Grid) -> str:
    return f"{grid.shape[0]}×{grid.shape[1]}"


def _show_input(axes: Axes, exploration: Exploration, **style) -> None:
    """The crop in its own resolution, on axes in pixels of the model's input."""
    height, width = exploration.pixels.shape[:2]
    axes.imshow(exploration.crop, extent=(0, width, height, 0), interpolation="antialiased", aspect="equal", **style)
    _frame(axes, height, width)


def _frame(axes: Axes, height: int, width: int) -> None:
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_xlabel("pixels of the model's input")


def _outline(axes: Axes, view: StageExploration, query: int) -> None:
    place = _place(view, query)
    if place is not None:
        top, left, bottom, right = view.query_grid.cell(*place)
        axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=ACCENT, linewidth=2))


def _draw_picture(axes: Axes, exploration: Exploration, view: StageExploration, query: int) -> None:
    _show_input(axes, exploration)
    _outline(axes, view, query)
    height, width = exploration.pixels.shape[:2]
    best = exploration.top(3)
    axes.set_title(f"What the model saw, {height}×{width}" + (": outlined, the token" if _place(view, query) else ""), fontsize=10)
    names = "\n".join(f"{shortened(label)}  {percent(share)}" for label, share in best)
    axes.set_xlabel(f"pixels of the model's input\n\n{names}", parse_math=False)  # a label may hold a $


def _draw_attention(axes: Axes, bar: Axes, exploration: Exploration, view: StageExploration, weights: np.ndarray, query: int) -> None:
    _show_input(axes, exploration)
    has_cls = view.config.cls_token
    cells = weights[has_cls:].reshape(view.key_grid.shape)
    image = draw_cells(axes, view.key_grid, cells, cmap="viridis", vmin=0, vmax=float(cells.max()), alpha=OPACITY)
    _outline(axes, view, query)
    _frame(axes, *exploration.pixels.shape[:2])
    axes.figure.colorbar(image, cax=bar, format=PercentFormatter(1, symbol=" %"), label="attention weight")
    numbers = statistics(weights)
    axes.set_title(f"Attention over {_grid(view.key_grid)} key cells", fontsize=10)
    text = (
        f"min {percent(numbers.minimum)}, max {percent(numbers.maximum)} = {numbers.times_uniform:.1f} × uniform\n"
        f"entropy {numbers.entropy:.1f} of {np.log2(weights.size):.1f} bit"
    )
    if has_cls:
        text += f"\nthe cls token itself gets {percent(float(weights[0]))}"
    axes.set_xlabel("pixels of the model's input\n\n" + text)


def _draw_features(axes: Axes, exploration: Exploration, view: StageExploration) -> None:
    components = principal_components(view.features)
    draw_cells(axes, view.query_grid, components.rgb)
    _frame(axes, *exploration.pixels.shape[:2])
    channels = view.features.shape[0]
    axes.set_title(f"Feature map, {_grid(view.query_grid)} tokens of {channels} channels", fontsize=10)
    shares = ", ".join(percent(share) for share in components.explained)
    low, high = (number(float(value)) for value in (view.features.min(), view.features.max()))
    axes.set_xlabel(
        f"pixels of the model's input\n\nthree principal components as red, green, blue,\n"
        f"carrying {shares} of the variance\nvalues {low} … {high}"
    )


def percent(share: float) -> str:
    """0.0123 → "1.2 %": two digits that count."""
    value = 100 * share
    if value <= 0:
        return "0\u202f%"
    if value < 0.001:
        return "<\u202f0.001\u202f%"
    digits = 0 if value >= 9.95 else min(3, 1 - int(np.floor(np.log10(value))))
    return f"{value:.{digits}f}\u202f%"


def shortened(label: str, letters: int = 40) -> str:
    """A class name that fits below a panel."""
    return label if len(label) <= letters else label[: letters - 1] + "…"


def number(value: float) -> str:
    """Two or three digits, with a true minus sign."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}".replace("-", "−")


# Columns of a training's history, and what is written beside their curve.
CURVES = {
    "loss": "training loss",
    "learning_rate": "learning rate",
    "top1": "held out: first guess right",
    "top5": "held out: one of five right",
    "speed": "pictures a second",
}
SHARES = ("top1", "top5")  # of 1, drawn as percent


def training_curves(rows: Sequence[Mapping[str, object]]) -> Figure:
    """A curve for each known column of a training's history, over its steps; the input's side is written where it changes.

    Args:
        rows: one mapping a report with "step", and any of the columns of ``CURVES`` and "side", as numbers or as text of
            a CSV file. Empty values are left out.
    Raises:
        ValueError: nothing to draw.
    """
    known = [name for name in CURVES if any(_value(row, name) is not None for row in rows)]
    if not known:
        raise ValueError(f"This history has nothing to draw: it needs rows with a step and any of {', '.join(CURVES)}.")
    figure = new_figure(8, 2.4 * len(known), layout="constrained")
    panels = figure.subplots(len(known), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, known, strict=True):
        points = [(_value(row, "step"), _value(row, name)) for row in rows if _value(row, name) is not None]
        axes.plot(*zip(*points, strict=True), color="#3b528b", marker="." if len(points) < 30 else None)
        axes.set_ylabel(CURVES[name])
        axes.grid(alpha=0.3)
        if name in SHARES:
            axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        for step, side in _changes_of_side(rows):
            axes.axvline(step, color="grey", linewidth=1, linestyle=":")
            axes.annotate(f"{side} px", (step, 1), xycoords=("data", "axes fraction"), fontsize=8, va="bottom")
    panels[-1].set_xlabel("step")
    return figure


def _value(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    return None if value is None or value == "" else float(value)


def _changes_of_side(rows: Sequence[Mapping[str, Any]]) -> list[tuple[float, int]]:
    """(step, side) of the first row of every input size, in order; empty where the history does not say."""
    changes: list[tuple[float, int]] = []
    for row in rows:
        side = _value(row, "side")
        if side is not None and (not changes or changes[-1][1] != int(side)):
            changes.append((float(row["step"]), int(side)))
    return changes
