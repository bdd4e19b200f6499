"""What holds for the scripts of all components: their size, whom they import, and whom they ask."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import pytest

from tests.helpers import run_in_node
from visualize.web import shared

WEB = shared.STATIC.parent
FILES = {
    file.relative_to(WEB).as_posix(): file.read_text(encoding="utf-8") for kind in ("js", "css", "html") for file in WEB.glob(f"*/*.{kind}")
}
# whom a component may import besides itself
IMPORTS = {
    "shared": (),
    "explorer": ("shared",),
    "laboratory": ("shared",),
    "chooser": ("shared",),
    "share": ("shared", "explorer", "laboratory"),
}


def test_the_shared_modules_in_node():
    run_in_node(Path(__file__).parent / "shared")


def test_every_folder_is_looked_at():
    assert {name.split("/")[0] for name in FILES} == set(IMPORTS)
    assert len(FILES) > 50


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_small_and_asks_no_other_host(name):
    text = FILES[name]
    assert len(text.splitlines()) < 300
    plain = re.sub(r"^\s*(//|/?\*).*$", "", text, flags=re.MULTILINE).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]{2,}", plain)


def test_imports_go_one_way_and_lead_somewhere():
    for name, text in FILES.items():
        folder = name.split("/")[0]
        for imported in re.findall(r'(?:from|import) "(.+?)"', text):
            target = posixpath.normpath(posixpath.join(folder, imported))
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
        names = (posixpath.normpath(posixpath.join(name, "..", each)) for each in re.findall(r'from "(.+?)"', FILES[name]))
        left += [each for each in names if each not in found]
        assert not re.search(r"\bfetch\(|gradio|location\.", FILES[name]), name
    assert found.isdisjoint({"shared/page.js", "shared/http.js", "explorer/host.js"})
    assert len(found) > 25
