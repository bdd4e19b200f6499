"""The browser component's modules, tested by Node's own runner against what NumPy finds in the same exploration."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from cvt import CvtForImageClassification, CvtImageProcessor
from tests.draw.test_payload import model_of, photo
from tests.helpers import run_in_node
from tests.maps.test_inside import randomised
from visualize.container import unpack
from visualize.draw.payload import block_payload, payload
from visualize.explore import Exploration, explore
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


def term_cases(exploration: Exploration) -> list[dict]:
    """Rows of the last block of every stage, of the token at row 1, column 2 and of the cls token, by heads, and by blocks."""
    cases = []
    for index, stage in enumerate(exploration.stages):
        has_cls = stage.config.cls_token
        token = stage.query_index(row=1, column=2)
        for cls in (False, True) if has_cls else (False,):
            rows = [block.weights()[:, 0 if cls else token].astype(np.float64) for block in stage.blocks]  # (heads, keys) of each
            row = rows[-1].mean(axis=0)
            cases.append(
                {
                    "stage": index, "cls": cls, "hasCls": has_cls, "row": row.tolist(), "heads": rows[-1].tolist(),
                    "blocks": [each.mean(axis=0).tolist() for each in rows],
                    "entropy": float(-(row * np.log2(np.maximum(row, 1e-30))).sum()),
                }
            )  # fmt: skip
    return cases


WIDE = {"kernel_qkv": (5,) * 3, "padding_q": (2,) * 3, "padding_kv": (2,) * 3}
INSIDES = {  # how queries, keys and values are projected
    "convolution": {},
    "wide": WIDE,
    "pool": {"qkv_projection_method": ("avg",) * 3},
    "linear": {"qkv_projection_method": ("linear",) * 3},
    "no-cls": {"cls_token": (False,) * 3},
}


def inside_cases(folder: Path) -> list[dict]:
    """The microscope's data for each of ``INSIDES``, and what PyTorch makes of it in the same block."""
    cases = []
    for name, changes in INSIDES.items():
        model, processor = randomised(model_of(5, **changes)), CvtImageProcessor(size=64)
        seen = explore(model, processor, photo())
        packed = inside_payload(model, processor, seen, 2, 1)
        (folder / f"inside-{name}.bin").write_bytes(packed)
        (folder / f"payload-{name}.bin").write_bytes(payload(seen))
        block = seen.stages[2].blocks[1]
        tokens = torch.from_numpy(unpack(packed)[1]["tokens"].copy())[None]
        attention = model.cvt.encoder.stages[2].layers[1].attention.attention
        before = {}
        for each in ("query", "key", "value"):
            projection = getattr(attention, f"convolution_projection_{each}").convolution_projection
            with torch.inference_mode():
                found = tokens if projection is None else projection(tokens)
            before[each] = found[0].flatten(1).tolist()
        # (heads, tokens, D) → (heads · D, tokens), the cls token first
        vectors = {
            each: getattr(block, each).transpose(0, 2, 1).reshape(-1, getattr(block, each).shape[1]).tolist() for each in ("query", "key")
        }
        cases.append(
            {
                "name": name, "cls": block.has_cls, "heads": block.heads, "before": before, "vectors": vectors,
                "weights": block.weights().tolist(),
                "scores": (block.scale * np.einsum("hqd,hkd->hqk", block.query.astype(np.float64), block.key)).tolist(),
            }
        )  # fmt: skip
    return cases


def test_the_modules_in_node(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the code saves its picture
    model, processor = model_of(5), CvtImageProcessor(size=64)
    exploration = explore(model, processor, photo())
    (tmp_path / "payload.bin").write_bytes(payload(exploration))
    without = explore(model_of(6, cls_token=(False, False, False)), processor, photo())
    (tmp_path / "no-cls.bin").write_bytes(payload(without))
    expected = {
        "terms": term_cases(exploration),
        "attention": attention_cases(exploration, tmp_path),
        "features": feature_cases(exploration),
        "insides": inside_cases(tmp_path),
    }
    (tmp_path / "expected.json").write_text(json.dumps(expected))
    run_in_node(TESTS, EXPLORER_CASES=tmp_path)
    monkeypatch.setattr(CvtForImageClassification, "from_pretrained", lambda: model)
    monkeypatch.setattr(CvtImageProcessor, "from_pretrained", lambda: processor)
    check_archive(exploration, tmp_path)
    check_code(exploration, tmp_path, model, processor)


def check_archive(exploration: Exploration, folder: Path) -> None:
    with np.load(folder / "numbers.npz") as archive:
        assert (archive["model"].item(), archive["picture"].item()) == ("a \U0001f43c model", "photo")
        assert list(zip(archive["top_labels"], archive["top_probabilities"].tolist(), strict=True)) == exploration.of_classes(
            exploration.shown
        )
        readme = archive["readme"].item()
        assert all(part in readme for part in ("a \U0001f43c model", "photo", "steps of 1/255", "6 of 6 blocks"))
        named = {re.sub(r"\d+", "#", name) for name in archive.files} - {"readme", "model", "picture"}
        assert all(re.sub("#", letter, re.sub("#", "N", each, count=1)) in readme for each in named for letter in "M"), named
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


def embedded(exploration: Exploration, model, processor: CvtImageProcessor, stage: int, row: int, column: int) -> np.ndarray:
    """A token as it leaves a conv embedding: the sum over its window with zeros around, then LayerNorm, in plain NumPy."""
    layer = model.cvt.encoder.stages[stage].embedding.convolution_embeddings
    weight, bias = (each.detach().numpy().astype(np.float64) for each in (layer.projection.weight, layer.projection.bias))
    before = exploration.stages[stage - 1].features if stage else processor(photo(), return_tensors="np")["pixel_values"][0]
    (high, wide), (down, right), (top, left) = layer.projection.kernel_size, layer.projection.stride, layer.projection.padding
    padded = np.pad(before, ((0, 0), (top, top), (left, left)))
    window = padded[:, row * down : row * down + high, column * right : column * right + wide]
    token = np.einsum("ocyx,cyx->o", weight, window) + bias
    norm = layer.normalization
    scaled = (token - token.mean()) / np.sqrt(token.var() + norm.eps)
    return scaled * norm.weight.detach().numpy() + norm.bias.detach().numpy()


def check_code(exploration: Exploration, folder: Path, model, processor: CvtImageProcessor) -> None:
    """Runs what the page offers as Python, all of it; only loading gives this model and processor."""
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
    wanted += [embedded(exploration, model, processor, stage, 1, 2) for stage in range(3)]
    other = next(index for index in range(7) if index not in exploration.shown)
    wanted += [explore(model, processor, photo(), also=[other]).evidence.places[5]]
    (folder / "examples").mkdir()
    photo().save(folder / "examples/photo.jpg", format="PNG")  # which loses nothing
    for case, each in zip(json.loads((folder / "code.json").read_text()), wanted, strict=True):
        names: dict = {}
        exec(case["code"], names)
        assert (folder / "view.png").stat().st_size > 1000
        (folder / "view.png").unlink()
        assert names["shown"].shape == each.shape
        assert np.allclose(names["shown"], each, atol=1e-5)


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
