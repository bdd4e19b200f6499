"""The inside of a block in numbers: how one channel of one query, key or value comes about, step by step."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from ...container import Arrays, unpack
from ...maps.inside import PROJECTIONS
from ..words.sentences import Refused
from .parameters import CHOICE, MOST_CELLS, WHOLE, Architecture, Block, Channel, Model, Parameter, Picture, Stage
from .places import block_of, check_channel, check_token, stage_of
from .services import Services, rounded

LARGEST = 3  # terms of the linear layer that are given one by one
CellRow = Annotated[int, Parameter(WHOLE, "row on the grid of this projection, from 1; 0 with column 0 for the cls token", 0, MOST_CELLS)]
CellColumn = Annotated[int, Parameter(WHOLE, "column on the grid of this projection, from 1", 0, MOST_CELLS)]
Projection = Annotated[str, Parameter(CHOICE, "which one of the three", choices=PROJECTIONS)]


def inside(
    to: Services,
    picture: Picture,
    stage: Stage = 1,
    block: Block = 1,
    projection: Projection = "query",
    row: CellRow = 1,
    column: CellColumn = 1,
    channel: Channel = 1,
    model: Model = "",
    architecture: Architecture = None,
) -> dict[str, Any]:
    """How one channel of a query, key or value comes about: tokens, a convolution with BatchNorm or a pool, then a linear layer.

    Returns ``convolution``: the ``window`` of tokens under the kernel, each with its place, value and weight, their ``sum``, BatchNorm's
    ``scale`` and ``shift``, and what the linear layer reads, ``value``; null for the cls token and where there is no convolution.
    ``linear``: its largest ``terms`` by channel, the ``rest``, the ``bias``, and the ``result``. ``norms``: for each block of the stage,
    the mean lengths of its tokens and of what attention and the MLP add to them. Channel 0 stands for the one with the largest result.
    """
    key = to.explored(picture, model, architecture).key
    block_of(stage_of(to.workbench.stored(key).exploration, stage), stage, block)
    header, arrays = unpack(to.workbench.inside_payload(key, stage - 1, block - 1))
    channels, shape = len(arrays["tokens"]), tuple(header["shapes"][projection])
    cls = row == column == 0
    if cls and "cls" not in arrays:
        raise Refused("no_cls_token", stage=stage)
    if not cls:
        check_token(shape, stage, row, column)
    check_channel(channels, stage, channel)
    step = None if cls else _Window(header, arrays, projection, row - 1, column - 1)
    read = arrays["cls"] if step is None else step.read()
    weights, bias = arrays[f"{projection}/linear"], arrays[f"{projection}/bias"]
    at = channel - 1 if channel else int((weights @ read + bias).argmax())
    return {
        "grid": list(shape),
        "channels": channels,
        "channel": at + 1,
        "convolution": step.written(at) if step else None,
        "linear": _linear(weights[at], read, float(bias[at])),
        "norms": [dict(zip(("tokens", "attention", "mlp"), each, strict=True)) for each in rounded(arrays[f"norms/{stage - 1}"])],
    }


class _Window:
    """The tokens under the kernel, or the pool, of a projection at one place of its grid; without either, the token itself."""

    def __init__(self, header: dict[str, Any], arrays: Arrays, name: str, row: int, column: int):
        self._arrays, self._name = arrays, name
        self._kernel, side = arrays.get(f"{name}/kernel"), header["pools"].get(name, 1)
        if self._kernel is not None:
            side = self._kernel.shape[1]
        self._plain = self._kernel is None and name not in header["pools"]
        stride, padding = (1, 0) if self._plain else (header["strides"][name], header["paddings"][name])
        self._rows, self._columns = (start * stride - padding + np.arange(side) for start in (row, column))
        tokens = arrays["tokens"]
        sizes = tokens.shape[1:]
        places = [np.clip(each, 0, size - 1) for each, size in zip((self._rows, self._columns), sizes, strict=True)]
        within = [(each >= 0) & (each < size) for each, size in zip((self._rows, self._columns), sizes, strict=True)]
        self._tokens = tokens[:, places[0][:, None], places[1]] * np.outer(*within)
        # a pool counts the padding, but not what lies beyond it
        counted = np.outer(*(each < size + padding for each, size in zip((self._rows, self._columns), sizes, strict=True)))
        self._shares = counted / counted.sum()

    def _weights(self, channel: int) -> np.ndarray:
        return self._shares if self._kernel is None else self._kernel[channel]

    def read(self) -> np.ndarray:
        """(C,): what the linear layer reads."""
        weights = self._shares[None] if self._kernel is None else self._kernel
        sums = (self._tokens * weights).sum(axis=(1, 2))
        return sums if self._kernel is None else sums * self._arrays[f"{self._name}/scale"] + self._arrays[f"{self._name}/shift"]

    def written(self, channel: int) -> dict[str, Any] | None:
        """The steps for one channel; None where there is neither a convolution nor a pool."""
        if self._plain:
            return None
        values, weights = self._tokens[channel], self._weights(channel)
        cells = [
            {"row": int(row) + 1, "column": int(column) + 1, "value": rounded(values[y, x]), "weight": rounded(weights[y, x])}
            for y, row in enumerate(self._rows)
            for x, column in enumerate(self._columns)
        ]
        norm = {
            name: None if self._kernel is None else rounded(self._arrays[f"{self._name}/{name}"][channel]) for name in ("scale", "shift")
        }
        return {"window": cells, "sum": rounded((values * weights).sum()), **norm, "value": rounded(self.read()[channel])}


def _linear(weights: np.ndarray, read: np.ndarray, bias: float) -> dict[str, Any]:
    products = weights * read
    largest = np.argsort(-np.abs(products), kind="stable")[:LARGEST]
    terms = [
        {"channel": int(each) + 1, "value": rounded(read[each]), "weight": rounded(weights[each]), "product": rounded(products[each])}
        for each in largest
    ]
    rest = float(products.sum() - products[largest].sum())
    return {"terms": terms, "rest": round(rest, 5), "bias": round(bias, 5), "result": round(float(products.sum()) + bias, 5)}
