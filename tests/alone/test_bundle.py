"""One script of many modules: which modules are in it, in which order, and that each is what the page's server hands out."""

from __future__ import annotations

import json
import posixpath
import re

import pytest

from visualize.alone import bundle
from visualize.page.link.choices import MODULE, as_module
from visualize.web import FOLDER

ENTRIES = sorted(path.relative_to(FOLDER).as_posix() for path in [*FOLDER.glob("*/main.js"), *FOLDER.glob("alone/*.js")])
COMMENT = re.compile(r"^ *(?:/\*\*|\*|//).*$|/\*\* .*? \*/", re.MULTILINE)
NAMES = re.compile(r'(?:^import |\bfrom |\bimport\()"(\..+?)"', re.MULTILINE)


@pytest.mark.parametrize("entry", [*ENTRIES, "explorer/mount.js"])
def test_each_module_is_there_once_unchanged_and_after_all_that_it_imports(entry):
    found = bundle.modules(entry)
    assert list(found)[-1] == entry
    before: set[str] = set()
    for name, parts in found.items():
        text = as_module() if name == MODULE else (FOLDER / name).read_bytes().decode()
        assert "".join(parts) == text
        assert parts[1::2] == NAMES.findall(COMMENT.sub("", text))
        assert {posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) for path in parts[1::2]} <= before
        before.add(name)


def test_the_text_can_stand_within_a_script_element():
    text = bundle.loader("explorer/mount.js")
    assert not re.search(r"</|<!--|<script", text)
    assert json.loads(text[text.index(")({") + 2 : -1])["modules"][-1][0] == "explorer/mount.js"
    assert bundle.bundle("explorer/mount.js").endswith("export default loaded.default;\n")


SCRIPTS = {
    "entry.js": """// Not import("./one.js"), nor in a string: "image/*"
import { a, b as c } from "./deep/a.js";
import {
  d,
} from "./choices.js";
import "./effect.js";
export { e } from "./deep/a.js"; /** @type {import("./type.js").T} */
const late = () => import("./late.js"); // import("./no.js")
export const text = "./none.js";""",
    "deep/a.js": 'export * from "../b.js";',
    "b.js": "",
    "choices.js": "",
    "effect.js": "",
    "late.js": "",
    "round.js": 'import "./about.js";',
    "about.js": 'import "./round.js";',
    "gone.js": 'import "./nothing.js";',
}


@pytest.fixture
def scripts(monkeypatch, tmp_path):
    for name, text in SCRIPTS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(bundle, "FOLDER", tmp_path)


def test_every_form_of_import_is_found_and_no_comment_or_text(scripts):
    found = bundle.modules("entry.js")
    assert list(found) == ["b.js", "deep/a.js", "choices.js", "effect.js", "late.js", "entry.js"]
    assert found["entry.js"][1::2] == ["./deep/a.js", "./choices.js", "./effect.js", "./deep/a.js", "./late.js"]


def test_a_module_that_is_imported_later_keeps_its_address(scripts):
    assert [json.loads(bundle.packed(name))["keep"] for name in ("entry.js", "effect.js")] == [True, False]


def test_what_cannot_be_put_in_an_order_or_is_not_there_is_refused(scripts):
    with pytest.raises(ValueError, match=r"round\.js → about\.js → round\.js"):
        bundle.modules("round.js")
    with pytest.raises(OSError, match=r"nothing\.js"):
        bundle.modules("gone.js")
