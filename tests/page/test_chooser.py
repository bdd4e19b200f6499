"""The examples' template, and the order in which choices are worked on."""

import re

import pytest
from PIL import Image

from tests.helpers import ROOT

pytest.importorskip("gradio")

import app
from tests.helpers import run_in_node
from visualize.web.chooser import examples_html
from visualize.web.explorer import element_value


def test_choices_are_worked_on_one_at_a_time():
    run_in_node(ROOT / "tests/web/chooser")


def test_every_example_is_a_button_with_its_name_and_a_small_picture():
    template = examples_html(app.EXAMPLES, 1000)
    assert re.findall(r'data-example="(.*?)" aria-label="Example: (.*?)"', template) == [
        (path.stem, path.stem.replace("_", " ")) for path in app.EXAMPLES
    ]
    assert template.count("data:image/webp;base64,") == len(app.EXAMPLES)
    assert len(template) < app.EXAMPLES[0].stat().st_size


def test_the_name_of_a_file_is_text_in_the_template(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / 'a"<b>${x}.png')
    template = examples_html([tmp_path / 'a"<b>${x}.png'], 1000)
    assert "<b>" not in template
    assert not re.search(r"\$\{|\{\{", template)  # or Gradio would compute it


def test_a_picture_is_the_same_one_in_the_folder_of_a_restarted_server():
    def of(picture):
        return element_value("key", picture)["picture"]

    assert of("/tmp/one/4abc/picture") == of("/tmp/two/4abc/picture") != of("/tmp/one/5def/picture")
    assert of("https://one.example/a/b.png") != of("https://two.example/a/b.png")
