"""What holds for the scripts of all components: their size, their imports, and their requests."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import pytest

from tests.helpers import run_in_node
from visualize.page.link.choices import MODULE
from visualize.web import shared

WEB = shared.STATIC.parent
FILES = {
    file.relative_to(WEB).as_posix(): file.read_text(encoding="utf-8")
    for kind in ("js", "css", "html")
    for file in WEB.glob(f"*/**/*.{kind}")
}
# what a component may import besides itself
IMPORTS = {
    "words": (),
    "shared": ("words",),
    "explorer": ("shared", "words"),
    "laboratory": ("shared", "words", "explorer"),
    "breaking": ("shared", "words", "explorer"),
    "about": ("shared", "words", "explorer"),
    "chooser": ("shared", "words"),
    "look": ("chooser", "explorer", "shared", "words"),
    "menu": ("shared", "words"),
    "share": ("shared", "words", "explorer", "laboratory"),
    "model": ("explorer", "shared", "words"),
    "alone": ("shared", "words", "explorer", "breaking"),
    "lesson": ("shared", "words", "explorer", "laboratory", "breaking", "share"),
    "site": ("about", "breaking", "explorer", "lesson", "look", "model", "share", "shared", "words"),
}
CODE = re.compile(r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|//.*|/\*[\s\S]*?\*/')  # texts, and comments, in which quotes mean nothing


@pytest.mark.parametrize("folder", ["alone", "breaking", "class", "lesson", "shared", "words"])
def test_modules_in_node(folder):
    run_in_node(Path(__file__).parent / folder)


def test_every_folder_is_looked_at():
    assert {name.split("/")[0] for name in FILES} == set(IMPORTS)
    assert len(FILES) > 50


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_small_and_asks_no_other_host(name):
    text = FILES[name]
    assert len(text.splitlines()) < 300
    assert name.endswith(".css") or max(map(len, text.splitlines())) <= 140
    plain = re.sub(r"^\s*(//|/?\*).*$", "", text, flags=re.MULTILINE)
    plain = re.sub(r"http://www\.w3\.org/(2000/svg|1998/Math/MathML)", "", plain)  # names, which nothing asks
    assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]{2,}", plain)


def test_imports_go_one_way_and_lead_somewhere():
    for name, text in FILES.items():
        folder = name.split("/")[0]
        for imported in re.findall(r'(?:from |import |import\()"(.+?)"', re.sub(r"//.*|/\*[\s\S]*?\*/", "", text)):
            target = posixpath.normpath(posixpath.join(name, "..", imported))
            if target == MODULE:  # the table of choices, which is for all
                continue
            assert target in FILES, f"{name} imports {imported}"
            assert target.split("/")[0] in (folder, *IMPORTS[folder]), f"{name} imports {imported}"


def test_components_meet_in_the_pages_state_and_none_reads_what_it_said():
    for name, text in FILES.items():
        assert not re.search(r"CustomEvent|innerText|innerHTML", text), name
        assert not re.search(r"(window|globalThis)\.cvt", text) or name == "shared/page.js", name
        assert "textContent" not in text or name.startswith("shared/"), name


def test_a_component_that_any_page_may_carry_knows_nothing_of_this_one():
    """What explorer/mount.js leads to imports neither the page's state nor what asks its server."""
    left, found = ["explorer/mount.js"], set()
    while left:
        name = left.pop()
        found.add(name)
        names = {posixpath.normpath(posixpath.join(name, "..", each)) for each in re.findall(r'from "(.+?)"', FILES[name])} - {MODULE}
        left += [each for each in names if each not in found]
        assert not re.search(r"\bfetch\(|gradio|location\.", FILES[name]), name
    assert found.isdisjoint({"shared/page.js", "shared/http.js", "explorer/host.js"})
    assert len(found) > 25


def texts(script: str) -> list[str]:
    """The string literals of a script, without their quotes."""
    return [found[1:-1] for found in CODE.findall(script) if found[0] in '"`']


def test_texts_are_told_from_comments():
    assert texts('say("a \\" b"); // don\'t "say"\n/* "nor\nthis" */ `c ${d}`') == ['a \\" b', "c ${d}"]


SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}
# these write Python, whose comments belong to it
WRITERS = ("explorer/code.js", "model/lines.js")
SPEAKERS = {name: text for name, text in SCRIPTS.items() if not name.startswith("words/") and name not in WRITERS}
NAMES = re.compile(r"Abort|Files|Arrow\w+|Escape|Enter|Boolean|Cvt\w+")


@pytest.mark.parametrize("name", SPEAKERS)
def test_words_stand_in_the_words(name):
    """No other script holds text that begins with a capital and continues in small letters, or has a full stop at the end of a word."""
    prose = re.compile(r"[A-Z][a-z]+($|[ ,:])|.*[a-z]{2} [a-z]+.*\.$")
    assert [text for text in texts(SPEAKERS[name]) if prose.match(text) and not NAMES.match(text)] == []


def test_every_sentence_is_used_once_named_once_and_known():
    named = [key for name, text in SCRIPTS.items() if "/sentences/" in name for key in re.findall(r"^  (\w+):", text, re.MULTILINE)]
    assert len(set(named)) == len(named) > 150
    rest = "\n".join(text for name, text in SCRIPTS.items() if "/sentences/" not in name)
    used = set(re.findall(r'"(\w+)"', rest))
    assert set(named) <= used, set(named) - used
    asked = set(re.findall(r'phrase\(\s*"(\w+)"', rest))
    assert asked <= set(named), asked - set(named)
