"""The findings' numbers, how much, where and how far, against NumPy; on the embedded model, which has learned, and on random ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from cvt.architecture.geometry import Grid
from cvt.config import CvtConfig
from cvt.model import CvtForImageClassification
from cvt.processor import CvtImageProcessor
from tests.draw.test_payload import model_of, photo
from tests.helpers import ROOT, run_in_node
from visualize.container import unpack
from visualize.draw.payload import payload
from visualize.explore import Exploration, explore

TESTS = Path(__file__).parent / "findings"

WAYS = ("right", "down_right", "down", "down_left", "left", "up_left", "up", "up_right")  # clockwise, as y grows downwards
PARTS = (("top_left", "top", "top_right"), ("left", "centre", "right"), ("bottom_left", "bottom", "bottom_right"))
Case = dict[str, Any]


def centres(grid: Grid) -> np.ndarray:
    """(y, x) of all cells, (cells, 2)."""
    return np.array([grid.centre(row, column) for row in range(grid.shape[0]) for column in range(grid.shape[1])])


def direction(place: np.ndarray, point: np.ndarray, grid: Grid) -> str:
    """Which way a cell's centre lies from a point, of eight; "here" if the point is in the cell."""
    down, right = place - point
    if abs(down) <= grid.stride[0] / 2 and abs(right) <= grid.stride[1] / 2:
        return "here"
    return WAYS[round(np.degrees(np.arctan2(down, right)) / 45) % 8]


def part(place: np.ndarray, side: tuple[int, int]) -> str:
    """The ninth of a picture of (height, width) in which a point lies."""
    row, column = np.clip((3 * place / np.array(side)).astype(int), 0, 2)
    return PARTS[row][column]


def fewest(values: np.ndarray, wanted: float) -> int:
    """How many of the largest values have a sum of ``wanted``."""
    return int(np.searchsorted(np.cumsum(np.sort(values)[::-1]), wanted) + 1)


def attention(row: np.ndarray, has_cls: bool, grid: Grid, point: np.ndarray | None, side: tuple[int, int]) -> Case:
    """A row of weights, the cls token's first if there is one; ``point``: where the token looks from."""
    values, own = (row[1:], float(row[0])) if has_cls else (row, None)
    places = centres(grid)
    best = int(values.argmax())
    found = {"half": fewest(values, row.sum() / 2), "cells": len(values), "own": own, "share": values[best], "best": best}
    found |= {"times": values[best] * len(row), "part": part(places[best], side)}
    if point is not None:
        away = np.linalg.norm(places - point, axis=1)
        found |= {"distance": np.average(away, weights=values), "uniform": away.mean()}
        found["direction"] = direction(places[best], point, grid)
    alike = values.max() < 1.5 * values.mean()
    far = "some" if point is None else "near" if found["distance"] < 0.75 * found["uniform"] else "far"
    found["kind"] = "inward" if own is not None and own >= row.sum() / 2 else "alike" if alike else far
    return found


def received(column: np.ndarray, even: float, grid: Grid, point: np.ndarray | None, side: tuple[int, int]) -> Case:
    """The weights of all tokens on ``grid`` on one key, at ``point``."""
    places = centres(grid)
    more = column > even
    best = int(column.argmax())
    found = {"tokens": int(more.sum()), "of": len(column), "share": column[best], "even": even, "part": part(places[best], side)}
    if point is not None:
        away = np.linalg.norm(places - point, axis=1)
        found["distance"] = np.average(away[more], weights=column[more]) if more.any() else 0
        found["direction"] = direction(places[best], point, grid)
    return found


def attention_cases(exploration: Exploration) -> list[Case]:
    """Rows, columns and means of some tokens, in every block, of one head and of all (−1), as they arrive in the browser."""
    _, arrays = unpack(payload(exploration))
    side = exploration.pixels.shape[:2]
    rng = np.random.default_rng(4)
    cases = []
    for stage, each in enumerate(exploration.stages):
        extra, queries, keys = int(each.config.cls_token), centres(each.query_grid), centres(each.key_grid)
        for number, block in enumerate(each.blocks):
            place = f"{stage}.{number}"
            all_heads = arrays[f"{place}/peak"][..., None].astype(np.float64) * arrays[f"{place}/weights"] / 255
            for head in (-1, int(rng.integers(block.heads))):
                weights = all_heads.mean(axis=0) if head < 0 else all_heads[head]
                state = {"stage": stage, "block": number, "head": head}
                for token in (0, len(queries) - 1, int(rng.integers(len(queries)))):
                    asked = {**state, "view": "token", "cls": False, "at": queries[token].tolist()}
                    found = attention(weights[token + extra], bool(extra), each.key_grid, queries[token], side)
                    cases.append(asked | {"wanted": found})
                key = int(rng.integers(len(keys)))
                asked = {**state, "view": "received", "cls": False, "at": keys[key].tolist()}
                even = 1 / weights.shape[1]
                column = received(weights[extra:, key + extra], even, each.query_grid, keys[key], side)
                cases.append(asked | {"wanted": column})
                if extra:
                    asked["cls"] = True
                    cases.append(asked | {"wanted": received(weights[1:, 0], even, each.query_grid, None, side)})
                    asked = {**state, "view": "token", "cls": True, "at": [0, 0]}
                    cases.append(asked | {"wanted": attention(weights[0], True, each.key_grid, None, side)})
                mean = attention(weights.mean(axis=0), bool(extra), each.key_grid, None, side)
                cases.append({**state, "view": "mean", "cls": False, "at": [0, 0], "wanted": mean})
    return cases


def blocks_cases(exploration: Exploration) -> list[Case]:
    """The cls token over the blocks of the last stage, by heads."""
    cases = []
    for head in (-1, 0):
        rows = [block.weights()[:, 0].astype(np.float64) for block in exploration.stages[-1].blocks]
        rows = [each.mean(axis=0) if head < 0 else each[head] for each in rows]
        entropies = [float(-(row * np.log2(np.maximum(row, 1e-30))).sum()) for row in rows]
        steady = np.ptp(entropies) < 0.05 * np.log2(len(rows[0]))
        cases.append({"head": head, "closest": None if steady else int(np.argmin(entropies)), "first": rows[0][0], "last": rows[-1][0]})
    return cases


def feature_cases(exploration: Exploration) -> list[Case]:
    """Channels of every stage, their mean, and which tokens are like one, as the features arrive in the browser."""
    _, arrays = unpack(payload(exploration))
    side = exploration.pixels.shape[:2]
    cases = []
    for stage, each in enumerate(exploration.stages):
        low, high = (arrays[f"{stage}/{name}"].astype(np.float64)[:, None] for name in ("lo", "hi"))
        flat = low + (high - low) * arrays[f"{stage}/features"].reshape(len(low), -1) / 255
        channels = [(channel, flat[channel]) for channel in range(0, len(flat), 3)]
        for channel, values in [*channels, (None, arrays[f"{stage}/mean"].reshape(-1).astype(np.float64))]:
            best = int(np.abs(values).argmax())
            reaching = values / values[best] >= 0.5
            wanted = {"sign": int(np.sign(values[best])), "count": int(reaching.sum()), "share": reaching.mean()}
            wanted["part"] = part(centres(each.query_grid)[best], side)
            cases.append({"stage": stage, "channel": channel, "wanted": wanted})
        for token in (0, 5):
            for centred in (False, True):
                vectors = flat - flat.mean(axis=1, keepdims=True) * centred
                cases.append({"stage": stage, "token": token, "centred": centred, "wanted": similar(vectors, token, each.query_grid)})
    return cases


def similar(vectors: np.ndarray, token: int, grid: Grid) -> Case:
    """How many of the tokens (C, tokens) are like one, their mean distance, and how many hang together with it."""
    unit = vectors / np.linalg.norm(vectors, axis=0)
    like = unit[:, token] @ unit >= 0.5
    others = like & (np.arange(len(like)) != token)
    places = centres(grid)
    away = np.linalg.norm(places - places[token], axis=1)
    grown = (np.arange(len(like)) == token).reshape(grid.shape)
    like = others.reshape(grid.shape) | grown
    for _ in range(like.size):  # each time by what is beside it, until nothing is left to add
        padded = np.pad(grown, 1)
        grown = (grown | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]) & like
    found = {"tokens": int(others.sum()), "of": len(others) - 1, "together": int(grown.sum())}
    return found | {"distance": away[others].mean() if others.any() else 0}


def evidence_cases(exploration: Exploration) -> list[Case]:
    """What speaks for each class that is shown, from the float numbers of the exploration."""
    grid = exploration.stages[-1].key_grid
    cases = []
    for places, rest in zip(exploration.evidence.places, exploration.evidence.rest, strict=True):
        adds = np.maximum(places.reshape(-1).astype(np.float64), 0)
        wanted = {"half": fewest(adds, adds.sum() / 2), "cells": adds.size, "against": int((places < 0).sum())}
        wanted |= {"places": float(places.sum()), "rest": float(rest)}
        cases.append(wanted | {"part": part(centres(grid)[int(places.argmax())], exploration.pixels.shape[:2])})
    return cases


def made_up_cases() -> Case:
    """Rows of weights on grids with unequal sides and strides, which no square input has."""
    rng = np.random.default_rng(5)
    query = Grid((6, 11), (2.5, 1.5), (6, 4), (9, 7))
    key = Grid((3, 6), (2.5, 1.5), (12, 8), (21, 15))
    side = (38, 46)
    cases = []
    for sharpness in (0.0, 0.5, 1.5, 3.0, 6.0):
        for token in (0, 17, 38, 65):
            row = np.exp(sharpness * rng.normal(size=18))
            row = (row / row.sum()).astype(np.float32).astype(np.float64)
            found = attention(row, False, key, centres(query)[token], side)
            column = rng.dirichlet(np.full(66, 1 / (1 + sharpness))).astype(np.float32).astype(np.float64)
            seen = received(column, 1 / 18, query, centres(key)[token % 18], side)
            case = {"token": token, "key": token % 18, "row": row.tolist(), "column": column.tolist()}
            cases.append(case | {"wanted": found, "received": seen})
    return {"query": vars(query), "key": vars(key), "input": side, "cases": cases}


def test_the_findings_numbers_are_numpys(tmp_path):
    torch.manual_seed(0)
    processor = CvtImageProcessor(size=64)
    small = explore(model_of(5), processor, photo())
    picture = Image.open(ROOT / "examples/red_panda.jpg")
    trained = explore(CvtForImageClassification.from_pretrained(), CvtImageProcessor.from_pretrained(), picture)
    found = {
        "small": small,
        "no-cls": explore(model_of(6, cls_token=(False, False, False)), processor, photo()),
        "trained": trained,
        "random": explore(CvtForImageClassification(CvtConfig()).eval(), CvtImageProcessor(size=96), picture),  # as training begins
    }
    for name, exploration in found.items():
        (tmp_path / f"{name}.bin").write_bytes(payload(exploration))
    cases = {
        "attention": attention_cases(small),
        "blocks": blocks_cases(trained),  # in random ones they are all alike
        "features": feature_cases(small),
        "evidence": evidence_cases(small),
        "madeUp": made_up_cases(),
    }
    (tmp_path / "cases.json").write_text(json.dumps(cases, default=np.generic.item))
    run_in_node(TESTS, FINDINGS_CASES=tmp_path)
