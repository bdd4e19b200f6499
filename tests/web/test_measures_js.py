"""The measures of lessons: what they find by the page's own answers, against what PyTorch and NumPy find here."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("gradio")

from cvt import ablations
from cvt.ablations.welch import difference
from cvt.architecture.cost import cost
from cvt.architecture.presets import preset
from cvt.architecture.variants import architecture
from cvt.processor import CvtImageProcessor
from tests import serving
from tests.helpers import least_or_alike, run_in_node, tiny_config, tiny_model
from visualize.change.interventions import Intervention, intervened
from visualize.change.padding import padded
from visualize.draw.payload import block_payload, payload
from visualize.explore import Exploration, explore
from visualize.page.breaking.api import BreakingApi
from visualize.page.laboratory.describe import about, describe
from visualize.page.requests import Request
from visualize.page.workbench import Workbench

TESTS = Path(__file__).parent / "measures"
SMALL = {"embed_dim": (8, 16, 32), "num_heads": (1, 2, 4), "depth": (1, 2, 3)}
DEPTHS, LAST, SIDE, HELD = SMALL["depth"], 3, 96, (40.0, 61.0)  # the held token's y and x
OFF = {"3.2.head4": ("head", 2, 1, 3), "2.1.mlp": ("mlp", 1, 0, None), "last.last.attention": ("attention", 2, 2, None)}
MOVES = ({"right": 16}, {"right": 3, "down": 5}, {"right": 16, "padding": "circular"}, {"padding": "reflect"})
Case = dict[str, Any]


class Oracle:
    """One picture through the model, computed anew for each question."""

    def __init__(self, workbench: Workbench, seen: Exploration):
        self.model, self.processor = workbench.loaded().model, workbench.loaded().processor
        self.seen, self.labels = seen, seen.labels
        self.plain = self.logits()
        self.first = int(self.plain.argmax())

    def probabilities(self, *off: Intervention, pixels: np.ndarray | None = None, padding: str = "zeros") -> np.ndarray:
        return torch.from_numpy(self.logits(*off, pixels=pixels, padding=padding)).softmax(0).numpy()

    def logits(self, *off: Intervention, pixels: np.ndarray | None = None, padding: str = "zeros") -> np.ndarray:
        picture = Image.fromarray(self.seen.pixels if pixels is None else pixels)
        x = torch.from_numpy(self.processor.normalize(picture))[None]
        with torch.inference_mode(), padded(self.model, padding), intervened(self.model, [off]):
            return self.model(x).logits[0].numpy()

    def moved(self, right: int = 0, down: int = 0, padding: str = "zeros") -> np.ndarray:
        return self.probabilities(pixels=np.roll(self.seen.pixels, (down, right), axis=(0, 1)), padding=padding)

    def ended(self, block: int) -> np.ndarray:
        """As if the last stage ended after this block: none of those after it adds anything."""
        return self.probabilities(*(Intervention(stage=2, block=each, part="block") for each in range(block + 1, DEPTHS[2])))

    def lost(self, part: str, stage: int, block: int, head: int | None = None) -> float:
        """What the logit of the class loses."""
        off = Intervention(stage=stage, block=block, part=part, head=head)
        return float(self.plain[self.first] - self.logits(off)[self.first])

    def weights(self, stage: int, block: int) -> np.ndarray:
        return self.seen.stages[stage].blocks[block].weights().astype(np.float64)

    def far(self, stage: int, block: int) -> np.ndarray:
        """How far each head looks in pixels, over all tokens with a place."""
        of = self.seen.stages[stage]
        extra = int(of.config.cls_token)
        weights = self.weights(stage, block)[:, extra:, extra:]
        away = np.linalg.norm(centres(of.query_grid)[:, None] - centres(of.key_grid), axis=-1)
        return ((weights * away).sum(-1) / weights.sum(-1)).mean(-1)

    def field(self, stage: int) -> int:
        """The side of the smallest square around the held token that holds half of what moves it."""
        grid = self.seen.stages[stage].query_grid
        row, column = nearest(grid)
        x = torch.from_numpy(self.processor.normalize(Image.fromarray(self.seen.pixels)))[None].requires_grad_()
        tokens = x
        for part in self.model.cvt.encoder.stages[: stage + 1]:
            tokens, _ = part(tokens)
        tokens[0, :, row, column].norm().backward()
        strength = x.grad[0].norm(dim=0).double().numpy()
        y, x = grid.centre(row, column)
        rows, columns = (np.abs(np.arange(SIDE) + 0.5 - at) + 0.5 for at in (y, x))  # how far a pixel reaches from the centre
        return next(side for side in range(1, 3 * SIDE) if strength[rows <= side / 2][:, columns <= side / 2].sum() >= strength.sum() / 2)


def centres(grid) -> np.ndarray:
    return np.array([grid.centre(row, column) for row in range(grid.shape[0]) for column in range(grid.shape[1])])


def counted(value: int | str, count: int) -> int:
    """A lesson's number, from 0."""
    return (count if value == "last" else int(value)) - 1


def nearest(grid) -> tuple[int, int]:
    """The row and column of the held token."""
    return divmod(int(np.linalg.norm(centres(grid) - HELD, axis=1).argmin()), grid.shape[1])


def of_attention(oracle: Oracle) -> list[Case]:
    cases = []
    for stage, block, head, token in ((1, 1, 0, "held"), (2, "last", 2, "held"), ("last", 3, 0, "cls"), (3, 1, "last", "cls")):
        at = counted(stage, LAST)
        number = counted(block, DEPTHS[at])
        weights = oracle.weights(at, number)
        of = oracle.seen.stages[at]
        extra = int(of.config.cls_token)
        row, column = nearest(of.query_grid)
        query = 0 if token == "cls" else row * of.query_grid.shape[1] + column + extra
        of_heads = weights[:, query, extra:]
        chosen = of_heads.mean(0) if head == 0 else of_heads[counted(head, len(of_heads))]
        parameters = {"stage": stage, "block": block, "head": head, "token": token}
        cases.append({"name": "attention", "parameters": parameters, "values": chosen.tolist()})
    places = np.maximum(oracle.seen.evidence.places[0], 0).tolist()
    cases.append({"name": "evidence", "parameters": {}, "values": places})
    means = [np.mean([oracle.far(stage, block) for block in range(DEPTHS[stage])]) for stage in range(LAST)]
    cases += [{"name": "distance", "parameters": {"stage": stage + 1}, "value": means[stage]} for stage in range(LAST)]
    cases.append({"name": "farthest-stage", "parameters": {}, "value": least_or_alike(-np.array(means))[0]})
    for stage, block in ((2, 1), (3, 3)):
        closest = least_or_alike(oracle.far(stage - 1, block - 1))[0]
        cases.append({"name": "nearest-head", "parameters": {"stage": stage, "block": block}, "value": closest})
    return [*cases, *({"name": "field", "parameters": {"stage": stage + 1}, "value": oracle.field(stage)} for stage in (0, 2))]


def of_the_class(oracle: Oracle, after: np.ndarray, parameters: Case) -> list[Case]:
    """What the three measures of one change find. ``after``: the probabilities then."""
    likely = np.argsort(-oracle.plain, kind="stable")[:4]
    best = int(after.argmax())
    found = {
        "probability": 100 * after[oracle.first],
        "class": oracle.labels[best] if best in likely else "else",
        "class-unchanged": "yes" if best == oracle.first else "no",
    }
    return [{"name": each, "parameters": parameters, "value": value} for each, value in found.items()]


def of_changes(oracle: Oracle) -> list[Case]:
    cases = []
    for off, (part, stage, block, head) in OFF.items():
        after = oracle.probabilities(Intervention(stage=stage, block=block, part=part, head=head))
        cases += of_the_class(oracle, after, {"off": off})
    for move in MOVES:
        cases += of_the_class(oracle, oracle.moved(**move), move)
    for move in MOVES[::2]:  # by whole tokens and keys
        pictures = (oracle.seen.pixels, np.roll(oracle.seen.pixels, 16, axis=1))
        with padded(oracle.model, move.get("padding", "zeros")):
            before, after = (explored(oracle, pixels) for pixels in pictures)
        cosines = []
        for stage, (one, other) in enumerate(zip(before.stages, after.stages, strict=True)):
            back = np.roll(other.features, -16 // one.query_grid.stride[1], axis=2)
            dots = (one.features * back).sum(0) / np.linalg.norm(one.features, axis=0) / np.linalg.norm(back, axis=0)
            cosines.append(float(dots.mean()))
            cases.append({"name": "similarity", "parameters": {"stage": stage + 1, **move}, "value": 100 * cosines[-1]})
        same = min(cosines) > 0.9999
        cases.append({"name": "exactly-shifted", "parameters": move, "value": "yes" if same else "no"})
        cases.append({"name": "most-changed-stage", "parameters": move, "value": "none" if same else str(np.argmin(cosines) + 1)})
    losses = [oracle.lost("head", 2, 1, head) for head in range(4)]
    cases.append({"name": "head-that-matters", "parameters": {"stage": "last", "block": 2}, "value": str(np.argmax(losses) + 1)})
    for stage in (0, 2):
        sums = {branch: sum(oracle.lost(branch, stage, block) for block in range(DEPTHS[stage])) for branch in ("attention", "mlp")}
        cases.append({"name": "branch-that-matters", "parameters": {"stage": stage + 1}, "value": max(sums, key=sums.get)})
    return cases


def explored(oracle: Oracle, pixels: np.ndarray) -> Exploration:
    return explore(oracle.model, CvtImageProcessor(size=SIDE, crop_pct=1.0), Image.fromarray(pixels))


def of_depth(oracle: Oracle) -> list[Case]:
    ended = [oracle.ended(block) for block in range(DEPTHS[2])]
    best = [int(each.argmax()) for each in ended]
    turned = [block for block, each in enumerate(best) if each != best[-1]]
    cases = [{"name": "decided", "parameters": {}, "value": str(turned[-1] + 2 if turned else 1)}]
    for block, named in ((0, 1), (2, "last")):
        place = {"stage": "last", "block": named}
        cases.append({"name": "probability-after-block", "parameters": place, "value": 100 * ended[block][best[-1]]})
        cases.append({"name": "class-after-block", "parameters": place, "value": oracle.labels[best[block]]})
    return cases


def of_shapes(oracle: Oracle) -> list[Case]:
    """By hand: 96 pixels, strides 2 of embeddings and of keys, kernels 5, 3 and 3, and 3 in the projections."""
    keys, overlaps = (24 * 24, 12 * 12, 6 * 6 + 1), (60, 100 / 3, 100 / 3)
    cases = [{"name": "keys", "parameters": {"stage": at + 1}, "value": value} for at, value in enumerate(keys)]
    cases += [{"name": "overlap", "parameters": {"stage": at + 1}, "value": value} for at, value in enumerate(overlaps)]
    cases.append({"name": "window", "parameters": {"stage": 2}, "value": 9})
    config = oracle.model.config
    own = cost(config, SIDE, SIDE).macs
    for name in ("own", "linear", "no-overlap"):
        stages, side = preset(name, config, SIDE)
        cases.append({"name": "cost", "parameters": {"preset": name}, "value": cost(architecture(config, stages), side, side).macs / own})
    return cases


def asked_of_the_server(seen: Exploration) -> list[tuple[str, Case]]:
    """What these measures may ask about a result."""
    asked: list[tuple[str, Case]] = [("distance", {}), ("lens", {}), ("importance", {})]
    plain = {"right": 0, "down": 0, "turn": 0, "flip": "none", "patch": 0, "seed": 0, "height": SIDE, "width": SIDE, "padding": "zeros"}
    asked += [("transform", {**plain, **move}) for move in MOVES]
    for part, stage, block, head in OFF.values():
        one = {"stage": stage + 1, "block": block + 1, "part": part, "how": "zero"}
        asked.append(("knock_out", {"interventions": [one if head is None else one | {"head": head + 1}]}))
    for stage in (0, 2):
        row, column = nearest(seen.stages[stage].query_grid)
        asked.append(("receptive_field", {"stage": stage + 1, "row": row + 1, "column": column + 1}))
    return asked


@pytest.fixture(scope="module")
def workbench(tmp_path_factory) -> Workbench:
    folder = tmp_path_factory.mktemp("model")
    serving.save_random_model(folder / "mine", **SMALL, crop_pct=1.0)
    return Workbench(str(folder / "mine"), "cpu", kept=[])


def test_every_measure_finds_what_the_model_does(workbench, tmp_path):
    api, config = BreakingApi(workbench), workbench.loaded().config
    small = np.random.default_rng(0).integers(0, 256, (10, 12, 3), np.uint8)
    photo = Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pictures = {"photo": photo, "white": Image.new("RGB", (SIDE, SIDE), "white")}
    written: Case = {"pictures": {}, "about": about(config, SIDE), "held": HELD, "ablations": ablations.table()}
    for name, picture in pictures.items():
        picture.save(tmp_path / f"{name}.png")
        result = workbench.explore(Request(model="mine", picture=str(tmp_path / f"{name}.png")))
        oracle = Oracle(workbench, result.exploration)
        cases = [*of_attention(oracle), *of_changes(oracle), *of_depth(oracle), *of_shapes(oracle)]
        asked = asked_of_the_server(result.exploration)
        answers = [{"name": each, "body": body, "answer": api.answer(each, {"key": result.key, **body})} for each, body in asked]
        written["pictures"][name] = {"cases": cases, "answers": answers}
        (tmp_path / f"{name}.bin").write_bytes(payload(result.exploration))
    written["described"] = {each["name"]: describe(config, SIDE, each) for each in written["about"]["presets"]}
    # a model that keeps its blocks on the server, one without a cls token, and one of a single stage, with a single head and block
    (tmp_path / "apart.bin").write_bytes(payload(result.exploration, max_bytes=1))
    (tmp_path / "block.bin").write_bytes(block_payload(result.exploration, 0, 0))
    processor = CvtImageProcessor(size=32)
    # four tokens, which share one key
    single = architecture(tiny_config(num_labels=1), [{"cls_token": False, "patch_sizes": 16, "patch_stride": 16, "patch_padding": 0}])
    others = {"no-cls": tiny_model(cls_token=(False, False, False)), "alone": tiny_model(single)}
    for name, model in others.items():
        (tmp_path / f"{name}.bin").write_bytes(payload(explore(model, processor, pictures["photo"])))
    values = {each["name"]: each["measures"]["top1_64"]["values"] for each in ablations.table()["members"]}
    written["pairs"] = [(*pair, difference(*(values[each] for each in pair)).significant) for pair in combinations(values, 2)]
    (tmp_path / "cases.json").write_text(json.dumps(written, default=np.generic.item))
    run_in_node(TESTS, MEASURES_CASES=tmp_path)
