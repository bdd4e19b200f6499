"""The page's sentences and tables: true numbers, no untrusted text unescaped."""

import html
import json
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("gradio")

import app
from cvt import CvtImageProcessor
from cvt.architecture.presets import PRESETS
from cvt.architecture.settings import SETTINGS
from cvt.architecture.variants import stage_settings, variant
from cvt.pictures import Note, note_sentence
from tests.helpers import tiny_config
from visualize.page.laboratory.architectures import model_request
from visualize.page.words import architecture as texts
from visualize.page.words import head, trust
from visualize.page.words.sentences import say
from visualize.web import menu


def test_where_weights_come_from_is_said_with_what_it_means():
    base = tiny_config(image_size=32)

    def said(changes, **more):
        stages = json.loads(json.dumps(stage_settings(variant(base, changes))))
        return trust.weights(base, 32, model_request("mine", base, 32, {"stages": stages, **more}))

    assert said({}) == "100\u202f% of the weights are the trained model's. The prediction is exactly the model's."
    assert "None of the" not in said({0: {"stride_kv": 1}})
    assert "It sees 64×64 pixels instead of 32×32, so the prediction differs." in said({}, side=64)
    assert "Every prediction passes through stage 1, which is untrained." in said({0: {"embed_dim": 16}})
    assert said({}, weights="random") == say("random_weights")


def test_a_models_numbers():
    assert "5 classes · input 64×64" in head.numbers(tiny_config(), 64)


def test_names_of_models_are_text_in_the_template():
    texts = ["a<b", "${alert(1)}", '"quoted"', "{{x}}", "`+alert(1)+`", "\\u1"]
    template = menu.menu_html(zip(texts, texts, texts, strict=True))
    template = template[template.index("<optgroup") : template.index("</select>")]
    assert "<b" not in template
    assert "$" not in template.replace("&#36;", "")
    assert not {"{", "`", "\\"} & set(template)
    assert [html.unescape(value) for value in re.findall('value="(.*?)"', template)] == texts


def test_accuracy_is_said_only_where_it_was_measured():
    config = tiny_config()
    for measured in (
        None,
        {},
        "good",
        {"top1": "high"},
        {"top1": math.nan},
        {"top1": math.inf},
        {"top1": -0.1},
        {"top1": 41.25},
        {"top1": True},
    ):
        assert trust.accuracy(config.replace(extra={"evaluation": measured})) == say("unmeasured")
    assert trust.accuracy(config.replace(extra={})) == say("unmeasured")
    assert trust.accuracy(config.replace(extra={"evaluation": {"top1": 0.4125}})) == (
        "It classifies 41\u202f% of unseen pictures correctly. It knows only these 5 classes."
    )
    assert "100\u202f%" in trust.accuracy(config.replace(extra={"evaluation": {"top1": 1}}))


@pytest.mark.parametrize(
    ("size", "crop_pct", "side", "sentence"),
    [
        ((1920, 1080), 0.875, 96, None),
        ((4900, 100), 0.875, 96, "The model saw only the middle square of 4900×100 pixels."),
        ((100, 260), 1.0, 96, "The model saw only the middle square of 100×260 pixels."),
        ((100, 240), 1.0, 96, None),
        ((900, 300), 1.0, 384, "The model saw all of the 900×300 pixels, squeezed into a square."),
        ((300, 900), 1.0, 384, "The model saw all of the 300×900 pixels, squeezed into a square."),
        ((400, 300), 1.0, 384, None),
    ],
)
def test_what_the_model_did_not_see_is_said(size, crop_pct, side, sentence):
    processor = CvtImageProcessor(size=side, crop_pct=crop_pct)
    pixels = np.zeros((side, side, 3), np.uint8)
    seen = SimpleNamespace(notes=(), crop_box=processor.crop_box(*size), original_size=size, pixels=pixels)
    assert trust.notes(seen) == ([sentence] if sentence else [])


def test_what_was_done_to_a_file_is_said_first():
    box = CvtImageProcessor(size=96).crop_box(900, 100)
    notes = (Note("turned"), Note("pages", count=4))
    seen = SimpleNamespace(notes=notes, crop_box=box, original_size=(900, 100), pixels=np.zeros((96, 96, 3), np.uint8))
    assert trust.notes(seen) == [*map(note_sentence, notes), "The model saw only the middle square of 900×100 pixels."]


def test_every_example_has_an_author_and_a_licence():
    text = head.credits(app.EXAMPLES)
    for path in app.EXAMPLES:
        assert path.is_file()
        assert re.search(rf"{path.stem.replace('_', ' ')}: [^;]+ \(<a href=\"https://[^\"]+\"[^>]*>[^<]+</a>\)", text), path.stem


def test_an_example_without_a_source_is_refused(tmp_path):
    (tmp_path / "SOURCES.md").write_text("| `other.jpg` | x | y | Somebody | [CC0-1.0](https://example.org) | z |\n")
    with pytest.raises(ValueError, match=r"does not say where mine\.jpg comes from"):
        head.credits([tmp_path / "mine.jpg"])


def test_settings_and_presets_have_short_plain_words_of_their_own():
    assert list(texts.SETTINGS) == list(SETTINGS)
    assert list(texts.PRESETS) == list(PRESETS)
    for setting in texts.SETTINGS.values():
        assert setting.meaning.endswith(".")
        assert setting.paper.endswith(".")
        assert all(len(part.split()) < 20 for part in setting.paper.split("; "))
    for sentence in [part for each in texts.PRESETS.values() for part in (each.meaning, each.note) if part]:
        assert all(len(part.split()) < 20 for part in sentence.split(". "))
        assert sentence.endswith(".")
    for table in (texts.SETTINGS, texts.PRESETS):
        assert len({each.label for each in table.values()}) == len(table)
