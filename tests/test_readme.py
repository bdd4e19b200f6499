"""What the README says is so: its settings for Spaces, its commands, its examples, its list of files; and so are files that code names."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from cvt.files.storage import CONFIG, PROCESSOR
from cvt.files.tensors import SAFE
from visualize.page.api import attention_answer
from visualize.page.api.table import TOOLS, checked
from visualize.page.breaking.api import ENDPOINTS, BreakingApi
from visualize.page.link.choices import TABLE
from visualize.page.models.offers import BEST, CHECKPOINTS
from visualize.page.requests import Request
from visualize.page.workbench import Workbench

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def front_matter() -> dict:
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(README.split("---\n")[1])


def test_the_spaces_settings_fit_the_project():
    settings = front_matter()
    requirements = (ROOT / "requirements.txt").read_text()
    assert settings["sdk"] == "gradio"
    assert f"gradio=={settings['sdk_version']}" in requirements.splitlines()
    assert (ROOT / settings["app_file"]).is_file()
    assert len(settings["short_description"]) <= 60  # Spaces cut it there
    assert settings["license"] == "apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_a_space_downloads_the_model_that_it_opens_with():
    settings = front_matter()
    assert settings["models"] == [f"microsoft/cvt-{end}" for end, *_ in CHECKPOINTS]
    name, files = settings["preload_from_hub"][0].split(" ")
    assert name == BEST
    assert files.split(",") == [CONFIG, PROCESSOR, SAFE]  # without which it would not count as being there


def test_the_test_command_is_the_one_that_ci_calls():
    command = "pip install -r requirements.txt -r tests/requirements.txt && python -m pytest"
    assert f"{command}\n" in blocks("bash")
    assert command in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_the_library_example_runs(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    code = next(block for block in blocks("python") if "capture" in block)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    exec(compile(code, "README.md", "exec"), {})
    label, shapes = capsys.readouterr().out.splitlines()
    assert label
    assert "torch.Size([1, " in shapes


def test_the_runners_example_names_what_the_library_example_names(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    labels = []
    for name in ("import capture", "Runner("):
        exec(compile(next(block for block in blocks("python") if name in block), "README.md", "exec"), {})
        labels.append(capsys.readouterr().out.splitlines()[0])
    assert labels[0] == labels[1]


def test_the_notebook_example_runs(monkeypatch):
    pytest.importorskip("anywidget")
    monkeypatch.chdir(ROOT)
    made: dict = {}
    exec(compile(next(block for block in blocks("python") if "import show" in block), "README.md", "exec"), made)
    widget = made["widget"]
    assert (widget.stage, widget.block, widget.head, widget.token, widget.layer) == (2, 7, None, "cls", "attention")


def test_the_client_example_runs(served, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    code = next(block for block in blocks("python") if "gradio_client" in block)
    assert "http://127.0.0.1:7860" in code
    exec(compile(code.replace("http://127.0.0.1:7860", served), "README.md", "exec"), {})
    assert "Stage 3, block 8, mean of the heads" in capsys.readouterr().out


def test_the_experiments_examples_run(served, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    exec(compile(next(block for block in blocks("python") if "Intervention" in block), "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["block", "mlp", "attention"]
    assert len({line.split(" ", 1)[1] for line in lines}) == 3
    client = next(block for block in blocks("python") if "gradio_client" in block)
    asked = next(block for block in blocks("python") if "/knock_out" in block)
    start = "\n".join(client.splitlines()[:3]).replace("http://127.0.0.1:7860", served)
    exec(compile(f"{start}\n{asked}", "README.md", "exec"), {})
    assert capsys.readouterr().out.count("'probability'") == 2


def test_what_an_agent_reads_in_its_walk_is_what_the_tools_answer():
    """Each row: the tool is called with these arguments, and what it is said to read is made here from its answer."""
    rows = re.findall(r"^\| `(\w+)` \| `(\{.*\})` \| (.*) \|$", README.split("takes an agent five calls")[1], re.M)
    workbench = Workbench(None, "cpu", kept=[ROOT / "examples/red_panda.jpg"])
    api, found = BreakingApi(workbench), []
    for name, given, _ in rows:
        values = checked(TOOLS[name], json.loads(given))
        picture = workbench.examples[values["picture"]]
        seen = workbench.explore(Request(model=workbench.names[0], picture=picture)).exploration
        if name == "predict":
            found.append(_class_words(*workbench.classes(Request(model=workbench.names[0], picture=picture))[0]))
        elif name == "explore":
            answer, _ = attention_answer(seen, *(values[each] for each in ("stage", "block", "head", "row", "column")), overview=False)
            row, column = np.unravel_index(np.argmax(answer["weights"]), answer["key_grid"])
            found.append(f"the cls token looks most at row {row + 1}, column {column + 1}: {answer['times_uniform']:.1f} times its share")
        else:
            answer = api.of_picture(name, picture, values["settings"], values["model"])
            found.append(_importance_words(answer) if name == "importance" else _after_words(answer))
    assert found == [words for *_, words in rows]


def _class_words(label: str, probability: float) -> str:
    return f"{label.split(',')[0]}, {100 * probability:.1f} %"


def _importance_words(answer: dict) -> str:
    most = max((each for each in answer["losses"] if each["part"] == "head"), key=lambda each: each["logit"])
    place = f"head {most['head']} of block {most['block']} in stage {most['stage']}"
    return f"of all heads, {place} costs the class most: {most['logit']:.2f} of its logit of {answer['logit']:.2f}"


def _after_words(answer: dict) -> str:
    then = next(each for each in answer["after"] if each["label"] == answer["label"])
    still = "still " if answer["after"][0]["label"] == answer["label"] else ""
    return still + _class_words(then["label"], then["probability"])


def test_every_endpoint_is_described():
    section = README.split("## Call it from a program")[1].split("## Share")[0]
    assert set(re.findall(r"`/(\w+)`", section.split("### Let an agent")[0])) == set(TOOLS)


def test_every_endpoint_of_the_experiments_is_described():
    named = set(re.findall(r"`/(\w+)`", README.split("The experiments have endpoints")[1].split("```")[0]))
    assert named == set(ENDPOINTS)
    for choice in TABLE["experiment"].values:
        assert f"`{choice}`" in README


def test_every_folder_of_the_product_is_listed_with_a_sentence():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    tree = next(block for block in blocks("text") if "app.py" in block)
    folders = {folder for name in tracked for folder in Path(name).parents if folder.parts[:1] in (("cvt",), ("visualize",))}
    for folder in sorted(each for each in folders if each.parent.name != "weights"):  # one for each member of the family
        row = rf"^{'  ' * (len(folder.parts) - 1)}{re.escape(folder.name)}/ +\S.*"
        assert re.search(row, tree, re.M), f"{folder} is not in the README's list of folders"
    for row in re.findall(r"^ *(\w+)/ ", tree, re.M):
        assert any(row in Path(name).parts for name in tracked), f"There is no folder {row}."


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_files_that_code_names_are_there():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    named = []
    for path in tracked:
        if path.startswith(("app.py", "cvt/", "visualize/")) and path.endswith((".py", ".js", ".css")):
            text = (ROOT / path).read_text(encoding="utf-8")
            named += [(path, name) for name in re.findall(r"\b((?:\w+/)*\w+\.py)\b|`([\w/]+\.(?:js|css|html))`", text)]
    assert len(named) > 10
    there = [*tracked, "choices.js"]  # which the server writes
    for path, names in named:
        name = "".join(names)
        assert any(f"/{other}".endswith(f"/{name}") for other in there), f"{path} names {name}, which does not exist."
