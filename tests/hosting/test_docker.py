"""The Dockerfile does what README.md says. That its files are enough, ``test_serving`` shows: its server has no others."""

from __future__ import annotations

import fnmatch
import json
import re

from tests.helpers import ROOT
from tests.hosting.dockerfile import STEPS, copied, of

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_steps_are_the_commands_of_the_readme():
    (command,) = re.findall(r"^(pip install -r requirements\.txt && python app\.py)$", README, re.M)
    install, start = command.split(" && ")
    assert of("RUN")[0].startswith(f"{install} ")
    assert of("CMD") == [json.dumps(start.split())]


def test_it_is_well_formed():
    known = {"FROM", "WORKDIR", "ENV", "ARG", "COPY", "RUN", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}
    names = [name for name, _ in STEPS]
    assert (names[0], names[-1]) == ("FROM", "CMD")
    assert set(names) <= known
    assert names.index("USER") < names.index("CMD")  # not as root
    python = re.fullmatch(r"python:(\d+\.\d+)-slim", of("FROM")[0])[1]
    assert re.search(r"^python_version: (\d+\.\d+)", README, re.M)[1] == python  # the one that a Space has
    for each in (*of("CMD"), of("HEALTHCHECK")[0].partition("CMD ")[2]):
        assert all(isinstance(word, str) for word in json.loads(each))


def test_what_is_copied_is_not_ignored():
    rules = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]

    def ignored(path: str) -> bool:
        found = False
        for rule in rules:
            name = rule.removeprefix("!").removeprefix("**/")
            if fnmatch.fnmatch(path, name) or path.startswith(f"{name}/") or (name != "*" and fnmatch.fnmatch(path.split("/")[-1], name)):
                found = not rule.startswith("!")
        return found

    files = [path for source, _ in copied() for path in ((ROOT / source).rglob("*") if (ROOT / source).is_dir() else [ROOT / source])]
    wanted = [path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts]
    assert len(wanted) > 400
    assert [path for path in wanted if ignored(path)] == []
    assert ignored("runs")
    assert ignored("cvt/__pycache__")
    assert ignored(".git")
