"""The browser component's modules, tested by Node's own runner against what NumPy finds in the same exploration."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cvt.processor import CvtImageProcessor
from tests.draw.test_payload import model_of, photo
from tests.helpers import run_in_node
from visualize.draw.payload import block_payload, payload
from visualize.explore import Exploration, explore
from visualize.maps.attention import BlockAttention
from visualize.maps.features import principal_components
from visualize.maps.inside import inside_payload
from visualize.web import explorer

TESTS = Path(__file__).parent / "explorer"


def attention_cases(exploration: Exploration, folder: Path) -> list[dict]:
    """Exact rows, columns and means of random tokens, heads (−1: their mean) and blocks."""
    rng = np.random.default_rng(0)
    cases = []
    for stage, each in enumerate(exploration.stages):
        for number, block in enumerate(each.blocks):
            (folder / f"block-{stage}-{number}.bin").write_bytes(block_payload(exploration, stage, number, max_bytes=1))
            exact = block.weights()  # (heads, queries, keys)
            for head in (-1, int(rng.integers(block.heads))):
                query, key = int(rng.integers(exact.shape[1])), int(rng.integers(exact.shape[2]))
                shown = exact.mean(axis=0) if head < 0 else exact[head]
                row = shown[query].astype(np.float64)
                cases.append(
                    {
                        "stage": stage, "block": number, "head": head, "query": query, "key": key,
                        "row": row.tolist(), "column": shown[:, key].tolist(), "mean": shown.mean(axis=0).tolist(),
                        "weight": float(exact[max(0, head), query, key]), "peak": float(exact[max(0, head), query].max()),
                        "entropy": float(-(row * np.log2(np.maximum(row, 1e-30))).sum()),
                    }
                )  # fmt: skip
    return cases


def feature_cases(exploration: Exploration) -> list[dict]:
    """Channels, and cosines of one token to every token, with and without the mean token."""
    rng = np.random.default_rng(1)
    cases = []
    for stage, each in enumerate(exploration.stages):
        flat = each.features.reshape(len(each.features), -1).astype(np.float64)  # (C, tokens)
        channel, token = int(rng.integers(len(flat))), int(rng.integers(flat.shape[1]))

        region = rng.random(flat.shape[1]) < 0.3
        contrast = flat[:, region].mean(axis=1) - flat[:, ~region].mean(axis=1)

        def cosines(vectors: np.ndarray, token: int = token) -> list[float]:
            unit = vectors / np.linalg.norm(vectors, axis=0)
            return (unit[:, token] @ unit).tolist()

        cases.append(
            {
                "stage": stage, "channel": channel, "token": token, "shape": list(each.features.shape),
                "values": flat[channel].tolist(), "similarity": cosines(flat), "centred": cosines(flat - flat.mean(axis=1, keepdims=True)),
                "order": np.argsort(-flat.var(axis=1)).tolist(), "peak": int(np.abs(flat).max(axis=1).argmax()),
                "region": region.tolist(), "contrast": (contrast / flat.std(axis=1)).tolist(),
            }
        )  # fmt: skip
    return cases


def projected(captured: np.ndarray) -> list[list[float]]:
    """Queries or keys of all heads, (heads, 1 + tokens, D), as channels over the grid: (heads · D, tokens)."""
    return captured[:, 1:].transpose(0, 2, 1).reshape(-1, captured.shape[1] - 1).tolist()


def scores(block: BlockAttention) -> list[dict]:
    """Scaled scores of some places, without the cls token, in every head."""
    exact = block.scale * np.einsum("hqd,hkd->hqk", block.query[:, 1:].astype(np.float64), block.key[:, 1:])
    places = [(head, 3 * head, head) for head in range(block.heads)]
    return [{"head": h, "heads": block.heads, "query": q, "key": k, "score": float(exact[h, q, k])} for h, q, k in places]


def test_the_modules_in_node(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the code saves its picture
    model, processor = model_of(5), CvtImageProcessor(size=64)
    exploration = explore(model, processor, photo())
    (tmp_path / "inside.bin").write_bytes(inside_payload(model, processor, exploration, 2, 1))
    (tmp_path / "payload.bin").write_bytes(payload(exploration))
    expected = {
        "attention": attention_cases(exploration, tmp_path),
        "features": feature_cases(exploration),
        "inside": {name: projected(getattr(exploration.stages[2].blocks[1], name)) for name in ("query", "key")}
        | {"scores": scores(exploration.stages[2].blocks[1])},
    }
    (tmp_path / "expected.json").write_text(json.dumps(expected))
    run_in_node(TESTS, EXPLORER_CASES=tmp_path)
    check_archive(exploration, tmp_path)
    check_code(exploration, tmp_path)


def check_archive(exploration: Exploration, folder: Path) -> None:
    with np.load(folder / "numbers.npz") as archive:
        assert np.array_equal(archive["pixels"], exploration.pixels)
        assert np.array_equal(archive["class_evidence"].reshape(5, -1), exploration.evidence.places)
        assert np.array_equal(archive["class_rest"], exploration.evidence.rest)
        for stage, each in enumerate(exploration.stages, 1):
            features = archive[f"features_stage{stage}"]
            step = np.ptp(each.features, axis=(1, 2), keepdims=True) / 255
            assert (np.abs(features - each.features) <= 0.51 * step + 1e-6).all()
            for number, block in enumerate(each.blocks, 1):
                exact = block.weights()
                found = archive[f"attention_stage{stage}_block{number}"]
                assert (np.abs(found - exact) <= exact.max(axis=-1, keepdims=True) / 255).all()


def check_code(exploration: Exploration, folder: Path) -> None:
    """Runs what the page offers as Python, with this exploration in the place of the model and the picture."""
    stage, evidence = exploration.stages[2], exploration.evidence.places
    weights = stage.blocks[2].weights()
    columns = stage.query_grid.shape[1]
    keys = stage.key_grid.shape[1]
    wanted = [weights[1, 1 + columns + 2], weights[1, 0], weights.mean(axis=(0, 1)), weights[1, :, 1 + keys]]
    flat = stage.features.reshape(len(stage.features), -1)
    lengths = np.linalg.norm(flat, axis=0)
    centred = flat - flat.mean(axis=1, keepdims=True)
    cosines = [flat.T @ flat / np.outer(lengths, lengths), centred.T @ centred]
    cosines[1] /= np.sqrt(np.outer(np.diag(cosines[1]), np.diag(cosines[1])))
    similar = [each[columns + 2].reshape(stage.query_grid.shape) for each in cosines]
    wanted += [principal_components(stage.features).rgb, stage.features.mean(axis=0), stage.features[5], *similar, evidence[1], evidence[0]]
    for case, each in zip(json.loads((folder / "code.json").read_text()), wanted, strict=True):
        head, body = case["code"].split("\n\n", 1)
        assert head.startswith("from cvt import")
        names = {"explore": lambda *_: exploration, "CvtForImageClassification": Nothing, "CvtImageProcessor": Nothing}
        exec("\n".join([*(line for line in head.splitlines() if "import numpy" in line or "visualize." in line), body]), names)
        assert (folder / "view.png").stat().st_size > 1000
        (folder / "view.png").unlink()
        assert np.allclose(names["shown"], each, atol=1e-6)


class Nothing:
    """Stands for the model and the processor, which the exploration has already seen."""

    @classmethod
    def from_pretrained(cls) -> None: ...


def test_templates_hold_what_the_scripts_look_for():
    both = explorer.picture_html("one") + explorer.panels_html("one")
    assert both.count('data-explorer="one"') == 2
    assert "${" not in both, "the page's host would fill these in"
    assert "{{" not in both
    assert "<script" not in both
    found = set(re.findall(r'data-ref="(\w+)"', both))
    wanted = set()
    for file in explorer.STATIC.glob("*.js"):
        text = file.read_text(encoding="utf-8")
        wanted |= set(re.findall(r"\bref\.(\w+)", text))
        for names in re.findall(r"const \{([^}]+)\} = (?:this\.)?ref;", text):
            wanted |= {name.split(":")[0].strip() for name in names.split(",")}
    assert wanted <= found, wanted - found


def test_an_id_that_could_break_the_template_is_refused():
    with pytest.raises(ValueError, match="id is made of"):
        explorer.picture_html('"><script>')
