"""The file: what is packed in it, its size, its policy, and that nobody's text becomes markup."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image

from cvt import CvtForImageClassification, CvtImageProcessor
from tests.draw.test_payload import drawn, model_of, photo
from visualize import explore
from visualize.alone import bundle, file
from visualize.change.interventions import Intervention, intervened
from visualize.container import unpack
from visualize.crops import pixel_values_of
from visualize.draw.payload import payload
from visualize.maps.inside import inside_payload
from visualize.web import alone

HOSTILE = '"><img src=x onerror=alert(1)></script><!--__SCRIPT__'
PROCESSOR = CvtImageProcessor(size=64)


class Elements(HTMLParser):
    """Every element of a page as (name, attributes), and the texts of scripts and styles."""

    def __init__(self, page: bytes):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.inside = False
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.texts.append("")
        self.inside = True

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.texts[-1] += data

    def of(self, tag: str, **wanted: str) -> list[tuple[dict, str]]:
        found = [(made, text) for (name, made), text in zip(self.elements, self.texts, strict=True) if name == tag]
        return [(made, text) for made, text in found if all(made.get(key.replace("_", "-")) == each for key, each in wanted.items())]

    @property
    def about(self) -> dict:
        return json.loads(self.of("script", type="application/json")[0][1])

    def packed(self, name: str) -> bytes:
        """Digit by digit, in whole numbers."""
        [(made, text)] = self.of("script", data_packed=name)
        found = bytearray()
        for start in range(0, len(text), 5):
            value = 0
            for letter in text[start : start + 5]:
                value = value * 85 + ord(letter) - (35 if letter < "<" else 36)
            found += value.to_bytes(4, "big")
        return gzip.decompress(found[: int(made["data-bytes"])])


@pytest.fixture(scope="module")
def model():
    return model_of()


@pytest.fixture(scope="module")
def seen(model):
    return explore(model, PROCESSOR, photo())


@pytest.fixture(scope="module")
def written(model, seen, tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "page.html"
    seen.to_html(
        path, model=model, processor=PROCESSOR, stage=2, block=1, head=3, token=(1, 2), layer="class", name=HOSTILE, picture=HOSTILE
    )
    return path.read_bytes()


def test_it_holds_exactly_what_the_server_sends(written, model, seen):
    found = Elements(written)
    assert found.packed("result") == payload(seen)
    assert found.packed("inside/2/1") == inside_payload(model, PROCESSOR, seen, 2, 1)
    assert [made["data-packed"] for made, _ in found.of("script", type="text/plain")] == ["scripts", "inside/2/1", "result"]
    about = found.about
    assert (about["insides"], about["held"], about["all"], about["value"]["model"]) == (["2/1"], 6, 6, HOSTILE)
    y, x = seen.stages[2].query_grid.centre(1, 2)
    state = {"stage": 2, "blocks": [0, 1, 1], "heads": [-1, -1, 3], "y": y, "x": x, "pinned": True, "layer": "class"}
    assert about["state"] == state | {"part": "stage", "cls": False, "view": "token"}


def test_its_scripts_are_those_of_the_page(written):
    found = json.loads(Elements(written).packed("scripts"))["modules"]
    assert len(found) > 90
    assert found[-1][0] == alone.ENTRY
    for name, parts in found:
        assert "".join(parts) == bundle.script(name)


def test_the_policy_allows_its_own_script_and_style_and_no_connection(written):
    found = Elements(written)
    [(policy, _)] = found.of("meta", http_equiv="Content-Security-Policy")
    rules = dict(each.split(maxsplit=1) for each in policy["content"].split(";"))
    hashes = {}
    for tag, wanted in (("style", {}), ("script", {"type": "module"})):
        [(_, text)] = found.of(tag, **wanted)
        hashes[tag] = f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    wanted = {"default-src": "'none'", "script-src": f"{hashes['script']} blob:", "style-src": hashes["style"], "img-src": "data:"}
    assert rules == wanted | {"base-uri": "'none'", "form-action": "'none'"}
    place = [name for name, _ in found.elements].index
    assert place("meta") < place("style") < place("script")  # it stands before what it is about
    assert {made["src"] for _, made in found.elements if "src" in made} == set()
    assert {made["href"] for _, made in found.elements if "href" in made} == {"data:,"}


def test_a_users_text_is_no_markup(written, seen):
    plain = Elements(file.page(seen, {}, {}))
    labelled = Elements(
        file.page(replace(seen, labels=(HOSTILE,) * 7), {"notes": [HOSTILE], "model": HOSTILE}, {"stage": HOSTILE}, (), {"a": HOSTILE})
    )
    assert [name for name, _ in labelled.elements] == [name for name, _ in plain.elements]
    assert labelled.about["value"]["notes"] == [HOSTILE]  # "__SCRIPT__" in it stands for nothing
    assert not any(any(key.startswith("on") for key in made) for _, made in labelled.elements)
    assert b"<img" not in written


def test_what_does_not_fit_is_left_out_whole_and_counted(seen, model):
    whole = len(file.page(seen, {}, {}))
    insides = [((2, block), inside_payload(model, PROCESSOR, seen, 2, block)) for block in (2, 0, 1)]
    held, places = [], []
    for most in (whole + 200_000, whole - 10_000, whole - 20_000):
        page = file.page(seen, {}, {}, insides, max_bytes=most)
        assert len(page) <= most
        found = Elements(page)
        blocks = {name.split("/")[0] for name in unpack(found.packed("result"))[1] if "." in name.split("/")[0]}
        assert found.about["held"] == len(blocks)
        held.append(len(blocks))
        places.append(found.about["insides"])
        assert all(len(found.packed(f"inside/{place}")) > 1000 for place in places[-1])
    assert held[0] == 6
    assert 6 > held[1] >= held[2]
    assert places[0] == ["2/2", "2/0", "2/1"]
    with pytest.raises(file.TooLarge, match="there is room for"):
        file.page(seen, {}, {}, max_bytes=len(Elements(page).of("script", data_packed="scripts")[0][1]) + 60_000)


def test_the_embedded_model_takes_4_mb_and_cvt_13_takes_8_whatever_they_see(tmp_path):
    noise = np.random.default_rng(0)
    picture = Image.fromarray(noise.integers(0, 256, (300, 300, 3), dtype=np.uint8))
    model, processor = CvtForImageClassification.from_pretrained(), CvtImageProcessor.from_pretrained()
    path = tmp_path / "page.html"
    explore(model, processor, picture).to_html(path, model=model, processor=processor, stage=2)
    assert path.stat().st_size <= 4_000_000
    assert Elements(path.read_bytes()).about["insides"] == ["2/7"]
    page = file.page(drawn("CvT-13", 224), {}, {}, [((2, 9), noise.bytes(2_100_000))])
    assert len(page) <= 8_000_000
    about = json.loads(re.search(rb"data-about>(.*?)</script>", page)[1])
    assert (about["held"], about["insides"]) == (13, ["2/9"])


def test_knock_outs_come_with_all_classes_that_either_shows(seen, model, tmp_path):
    head = Intervention(stage=2, block=0, part="head", head=3)
    both = tuple(Intervention(stage=1, block=1, part=part, how="mean") for part in ("attention", "mlp"))
    after = {parts: explore(model, PROCESSOR, photo(), interventions=parts) for parts in ((head,), both)}
    seen.to_html(tmp_path / "page.html", knock_outs=after)
    outs = Elements((tmp_path / "page.html").read_bytes()).about["made"]["outs"]
    assert [(each["off"], each["how"]) for each in outs] == [("3.1.head4", "zero"), ("2.2.attention,2.2.mlp", "mean")]
    for found, (parts, other) in zip(outs, after.items(), strict=True):
        answer = found["answer"]
        assert answer["label"] == seen.top(1)[0][0]
        with torch.inference_mode(), intervened(model, [parts]):
            logits = model(pixel_values_of(model, PROCESSOR, PROCESSOR.cut(photo()))).logits[0]
        for side, exact in (("before", seen.logits), ("after", logits.numpy())):
            assert {each["label"] for each in answer[side]} == {label for label, _ in [*seen.top(), *other.top()]}
            assert [each["logit"] for each in answer[side]] == sorted((each["logit"] for each in answer[side]), reverse=True)
            for each in answer[side]:
                assert each["logit"] == pytest.approx(exact[seen.labels.index(each["label"])], abs=1e-4)
    with pytest.raises(ValueError, match="in one way"):
        seen.to_html(tmp_path / "page.html", knock_outs={(head, *both): after[both]})


@pytest.mark.parametrize(
    ("source", "name"),
    [("", None), ("microsoft/cvt-13", "microsoft/cvt-13"), ("/home/me/private/pandas", "pandas"), ("../mine/CvT-13.pth", "CvT-13.pth")],
)
def test_the_model_has_the_name_that_it_was_loaded_by_and_no_path(seen, model, tmp_path, monkeypatch, source, name):
    path = tmp_path / "page.html"
    monkeypatch.setattr(model.config, "name_or_path", source)
    seen.to_html(path, model=model, processor=PROCESSOR, inside="none", picture="")
    value = Elements(path.read_bytes()).about["value"]
    assert value.get("model") == name
    assert set(value) <= {"model", "note"}  # an empty name is none
    seen.to_html(path, model=model, processor=PROCESSOR, inside="none", name="Mine")
    assert Elements(path.read_bytes()).about["value"]["model"] == "Mine"


def test_a_folder_here_is_no_id_of_the_hub(seen, model, tmp_path, monkeypatch):
    (tmp_path / "runs/mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model.config, "name_or_path", "runs/mine")
    seen.to_html("page.html", model=model, processor=PROCESSOR, inside="none")
    assert Elements((tmp_path / "page.html").read_bytes()).about["value"]["model"] == "mine"


def test_whole_numbers_of_numpy_and_half_a_letter_in_a_label_are_no_trouble(seen, tmp_path):
    odd = replace(seen, labels=("\ud800",) * 7)
    odd.to_html(tmp_path / "page.html", stage=np.int64(2), block=np.int64(1), head=np.int64(3), token=(np.int64(1), np.int64(2)))
    found = Elements((tmp_path / "page.html").read_bytes())
    assert (found.about["state"]["stage"], found.about["state"]["heads"]) == (2, [-1, -1, 3])
    assert unpack(found.packed("result"))[0]["top"][0]["label"] == "\ud800"


def test_a_place_that_is_not_there_is_refused(seen, model, tmp_path):
    path = tmp_path / "page.html"
    for wrong, message in (
        ({"stage": 3}, "no stage 3"),
        ({"stage": 0, "block": 1}, "no block 1"),
        ({"head": 2}, "no head 2"),
        ({"token": (8, 0)}, r"no token \(8, 0\)"),
        ({"token": "cls"}, "no token 'cls'"),
        ({"layer": "heat"}, "no layer 'heat': choose one of 'attention'"),
        ({"inside": "some"}, "inside is one of chosen"),
        ({"inside": "all"}, "needs the model"),
    ):
        with pytest.raises(ValueError, match=message):
            seen.to_html(path, **wrong)
    assert not path.exists()
    seen.to_html(path, stage=2, token="cls")
    assert Elements(path.read_bytes()).about["state"]["cls"] is True
    seen.to_html(path, model=model, processor=PROCESSOR, inside="all")
    assert Elements(path.read_bytes()).about["insides"] == ["1/1", "0/0", "1/0", "2/0", "2/1", "2/2"]
    circular = model_of(padding_mode="circular")
    explore(circular, PROCESSOR, photo()).to_html(path, model=circular, processor=PROCESSOR)
    assert Elements(path.read_bytes()).about["insides"] == []  # the microscope's arithmetic pads with zeros
