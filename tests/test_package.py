"""What ``pip install .`` takes along, and that whatever is imported is declared."""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("cvt", "visualize")
# see pyproject.toml; Triton comes with PyTorch for GPUs, spaces with a Space that lends one
OPTIONAL = {"pyarrow", "onnx", "onnxruntime", "openvino", "triton", "anywidget", "traitlets", "spaces"}
README_PICTURE = "visualize/page.jpg"  # which no program reads


def tracked(*paths):
    return subprocess.run(["git", "ls-files", *paths], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture(scope="module")
def project():
    tomllib = pytest.importorskip("tomllib")  # Python 3.10 has none
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def declared(path):
    """Names of distributions in a file of requirements."""
    return {re.split(r"[<>=;\s]", line)[0].lower() for line in (ROOT / path).read_text().splitlines() if line and line[0] != "#"}


def imported(path):
    """Names at the root of what a file imports, within functions too."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name.split(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def test_a_package_has_all_its_files(project):
    """Found as setuptools finds them: packages are folders with ``__init__.py``, all else is named by a pattern."""
    setuptools = project["tool"]["setuptools"]
    assert setuptools["packages"]["find"] == {"include": ["cvt", "cvt.*", "visualize", "visualize.*"], "namespaces": False}
    patterns = [(package, pattern) for package, each in setuptools["package-data"].items() for pattern in each]
    data = {path.relative_to(ROOT).as_posix() for package, pattern in patterns for path in (ROOT / package).glob(pattern)}
    for name in tracked(*PACKAGES):
        if name.endswith(".py"):
            assert all((ROOT / folder / "__init__.py").is_file() for folder in list(Path(name).parents)[:-1])
        else:
            assert name in data or name == README_PICTURE
    assert {"cvt/weights/model.safetensors", "visualize/web/page.css", "visualize/web/explorer/main.js"} <= data


def test_what_is_installed_is_what_the_app_needs(project):
    assert project["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": "requirements.txt"}
    assert project["project"]["dynamic"] == ["dependencies"]
    assert project["project"]["requires-python"] == ">=3.10"


def test_what_notebooks_need_is_installed_as_it_was_tested(project):
    (anywidget,) = project["project"]["optional-dependencies"]["notebook"]
    assert anywidget in (ROOT / "tests/requirements.txt").read_text().splitlines()


@pytest.mark.parametrize(("paths", "files", "optional"), [
    (("cvt", "visualize", "app.py"), ("requirements.txt",), OPTIONAL),
    (("benchmarks",), ("requirements.txt", "tests/requirements.txt"), {"gradio_client", "httpx"}),  # come with Gradio
])  # fmt: skip
def test_whatever_is_imported_is_declared(paths, files, optional):
    names = {name for path in tracked(*paths) if path.endswith(".py") for name in imported(path)}
    names -= {*sys.stdlib_module_names, *optional, *PACKAGES, "app", "benchmarks"}
    homes = packages_distributions()
    known = set().union(*map(declared, files))
    missing = {name for name in names if not {each.lower().replace("-", "_") for each in homes.get(name, [name])} & known}
    assert not missing
