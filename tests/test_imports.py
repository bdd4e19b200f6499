"""Imports go one way: every folder says which others it may import, and no module imports itself in a circle."""

import ast
import inspect
import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.helpers import WITHOUT, tiny_model

ROOT = Path(__file__).parent.parent
PACKAGES = ("cvt", "visualize")
MOST = 12  # Python files in a folder

# Each folder, and each module that is a room of its own: what it may import besides itself, imports within functions included and
# those for type checkers aside. From the bottom up: what is allowed is above.
ROOMS = {
    "cvt.fields": "",
    "cvt.stage": "fields",
    "cvt.arguments": "fields",
    "cvt.renamed": "",
    "cvt": "renamed",
    "cvt.pictures.common": "",
    "cvt.pictures.formats": "pictures.common",
    "cvt.pictures": "fields pictures.common pictures.formats",
    "cvt.runtime.device": "fields",
    "cvt.files": "fields runtime.device",
    "cvt.base": "fields files runtime.device",
    "cvt.config": "arguments base fields stage",
    "cvt.outputs": "config",
    "cvt.pretrained": "base config",
    "cvt.model": "config fields outputs pretrained",
    "cvt.runtime.recording": "",
    "cvt.runtime.attention": "",
    "cvt.runtime.resizing": "",
    "cvt.runtime": "config fields files model runtime.recording runtime.attention stage",
    "cvt.processor": "fields files pictures pictures.common runtime.resizing",
    "cvt.checkpoint": "config files processor runtime.device",
    "cvt.pipelines": "config fields files model pictures processor runtime.device",
    "cvt.architecture": "config fields model",
    "cvt.training.augmentation": "",
    "cvt.training.data": "files pictures processor",
    "cvt.training": "config files model processor training.augmentation training.data",
    "cvt.evaluate": "config files model processor runtime.device training training.data",
    "cvt.probes": "files model stage",
    "cvt.probes.training": "evaluate model probes processor",
    "cvt.probes.__main__": "evaluate model probes probes.training processor runtime.device training training.data",
    "cvt.ablations": "architecture config evaluate files model processor runtime.device training training.data",
    "cvt.train": "architecture evaluate model processor runtime.device training training.data",
    "visualize.container": "",
    "visualize.hooks": "",
    "visualize.capture": "hooks cvt.model cvt.runtime cvt.runtime.attention",
    "visualize.maps": "capture container cvt.architecture cvt.config cvt.model cvt.outputs cvt.probes cvt.processor",
    "visualize.change": "capture container hooks maps cvt.architecture cvt.config cvt.fields cvt.model cvt.pictures cvt.processor "
    "cvt.runtime cvt.stage",
    "visualize.crops": "cvt.model cvt.processor cvt.runtime.resizing",
    "visualize.explore": "capture change container crops maps cvt.architecture cvt.config cvt.model cvt.pictures cvt.processor cvt.runtime",
    "visualize": "capture explore cvt.renamed",
    "visualize.draw": "container explore maps cvt.architecture cvt.config cvt.files cvt.runtime.recording cvt.runtime.attention",
    "visualize.web": "",
    "visualize.page.requests": "change cvt.config cvt.pictures",
    "visualize.page.lessons.measures": "",
    "visualize.page.link.choices": "page.lessons.measures page.requests",
    "visualize.page.words": "page.requests web cvt.architecture cvt.config cvt.fields cvt.pictures",
    "visualize.page.jobs": "page.words cvt.architecture",
    "visualize.page.models": "change crops explore page.jobs page.requests page.words cvt cvt.ablations cvt.architecture cvt.config "
    "cvt.files cvt.model cvt.pictures cvt.runtime",
    "visualize.alone": "change container draw explore maps page.link.choices page.words web cvt.architecture cvt.model cvt.pictures "
    "cvt.processor",
    "visualize.page": "alone change container crops draw explore maps page.jobs page.lessons.measures page.link.choices page.models "
    "page.requests page.words web cvt "
    "cvt.ablations cvt.architecture cvt.config cvt.fields cvt.model cvt.pictures cvt.probes cvt.processor cvt.runtime cvt.runtime.device",
    "visualize.app": "page page.link.choices page.models page.requests page.words web cvt.pictures",
    "visualize.site": "alone change container crops draw explore maps page page.lessons.measures page.link.choices page.words web "
    "cvt.ablations cvt.architecture cvt.config cvt.model cvt.pictures cvt.probes cvt.processor cvt.runtime",
}


def modules(package):
    """Dotted name → path of every module of a package."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


MODULES = {name: path for package in PACKAGES for name, path in modules(package).items()}


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_by(node, package, known):
    """Dotted names that an import statement in a module of this package imports, as modules where they are ``known``."""
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    base = ".".join([*base, *([node.module] if node.module else [])])
    return [f"{base}.{each.name}" if f"{base}.{each.name}" in known else base for each in node.names]


def package_of(name, path):
    return name if path.name == "__init__.py" else name.rpartition(".")[0]


def statements(body):
    """All statements in a body and within them, but for those that are there for type checkers only."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        for name in ("body", "handlers", "cases", "orelse", "finalbody"):
            yield from statements(getattr(node, name, ()))


def imported(name, path):
    """Dotted names of all that a module imports, relative names resolved, typing aside."""
    for node in statements(parsed(path).body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imported_by(node, package_of(name, path), MODULES)


IMPORTS = {name: set(imported(name, path)) for name, path in MODULES.items()}


def roots(name):
    return {each.split(".")[0] for each in IMPORTS[name]}


def room(name):
    """The room that a module is in: the longest name of a room with which its own begins."""
    return max((each for each in ROOMS if f"{name}.".startswith(f"{each}.")), key=len)


def allowed(name):
    package = name.split(".")[0]
    return {each if each.split(".")[0] in PACKAGES else f"{package}.{each}" for each in ROOMS[name].split()}


def circle(needs):
    """What is left after taking away, again and again, all that needs nothing that is left."""
    left = {name: needed & set(needs) - {name} for name, needed in needs.items()}
    while free := [name for name, needed in left.items() if not needed & set(left)]:
        left = {name: needed for name, needed in left.items() if name not in free}
    return sorted(left)


def test_the_reader_sees_imports():
    assert "cvt.config" in IMPORTS["cvt.model"]
    assert "cvt.files.described" in IMPORTS["cvt.base.config"]  # within a function
    assert "cvt.files.microsoft" in IMPORTS["cvt.files.described"]  # from . import microsoft
    assert "cvt.config" not in IMPORTS["cvt.files.saving"]  # for type checkers only
    assert "torch" in roots("cvt.model")


@pytest.mark.parametrize("name", sorted(MODULES))
def test_direction(name):
    forbidden = {"app", "benchmarks", "tests", "transformers"}
    if room(name) != "visualize.app":
        forbidden |= {"gradio"}
    if name.startswith("cvt"):
        forbidden |= {"visualize", "matplotlib"}
    elif name != "visualize.draw.plots":
        forbidden |= {"matplotlib"}
    assert not roots(name) & forbidden


@pytest.mark.parametrize("name", list(ROOMS))
def test_a_room_imports_what_it_may(name):
    found = {room(each) for module in MODULES if room(module) == name for each in IMPORTS[module] if each in MODULES} - {name}
    assert found <= allowed(name), sorted(found - allowed(name))


def test_no_room_and_no_module_imports_itself_in_a_circle():
    assert circle({name: allowed(name) for name in ROOMS}) == []
    assert circle(IMPORTS) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


def test_folders_stay_small_enough_to_be_seen_at_a_glance():
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in MODULES.values())
    assert {folder: count for folder, count in counts.items() if count > MOST} == {}


def run(program, *arguments):
    """A program in a new interpreter, to its end."""
    command = [sys.executable, "-c", program, *arguments]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(WITHOUT)}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A program that uses all of the library and then, as if it had not, starts the app of a model that is not there.

    One program, since it takes longer to start than to answer.
    """
    folder = tmp_path_factory.mktemp("model")
    tiny_model().save_pretrained(folder)
    return run(
        """
import json, runpy, sys
import cvt.pipelines
from cvt import pipeline
import cvt

said = {"function": callable(pipeline) and cvt.pipeline is pipeline}
try:
    from cvt import nothing_of_the_kind
except ImportError:
    said["refused"] = True
for name in cvt.__all__:
    getattr(cvt, name)
cvt.CvtForImageClassification.from_pretrained(sys.argv[1])
print(json.dumps({**said, "loaded": list(sys.modules)}))

for name in [name for name in sys.modules if name.split(".")[0] in ("cvt", "visualize")]:
    del sys.modules[name]
sys.argv = ["app.py", "--model", "./nowhere", "--port", "47860"]
try:
    runpy.run_path("app.py", run_name="__main__")
finally:
    import matplotlib
    matplotlib.get_backend()
    found = sys.modules.get("gradio.component_meta")
    writer = getattr(found, "create_or_modify_pyi", None)
    said = {"pyplot": "matplotlib.pyplot" in sys.modules, "writer": getattr(writer, "__module__", None), "pandas": "pandas" in sys.modules}
    if (caching := sys.modules.get("gradio.caching")) is not None:
        keys = [caching.cache_hash(caching.pd.DataFrame({"a": [number]})) for number in (1, 1, 2)]
        import pandas
        said["later"] = caching.pd.DataFrame is pandas.DataFrame and keys[0] == keys[1] != keys[2]
    print(json.dumps(said))
""",
        str(folder),
    )


@pytest.fixture
def library(ended):
    """What is so in a program that uses all of the library."""
    return json.loads(ended.stdout.splitlines()[0])


def test_the_library_loads_nothing_it_does_not_need(library):
    loaded = {name.split(".")[0] for name in library["loaded"]}
    assert "torch" in loaded
    assert not loaded & {"gradio", "matplotlib", "transformers", "huggingface_hub", "visualize", "pandas"}


def test_loading_a_model_does_not_load_pytorchs_compiler(library):
    """It takes longer than everything else together."""
    assert "torch._dynamo" not in library["loaded"]


def test_the_function_stays_the_function(library):
    assert library["function"]
    assert library["refused"]


def test_an_app_that_cannot_start_says_why_in_one_line(ended):
    pytest.importorskip("gradio")
    assert ended.returncode == 1
    assert ended.stderr.startswith("CvT Explorer cannot start: There is no folder or file 'nowhere'")
    assert "Traceback" not in ended.stderr


def test_asking_for_the_backend_as_gradio_does_in_every_event_imports_no_pyplot(ended):
    """It takes half a second, in which the first event would hold up everybody's."""
    pytest.importorskip("gradio")
    assert json.loads(ended.stdout.splitlines()[1])["pyplot"] is False


def test_an_app_has_gradio_write_no_stubs(ended):
    """It takes two fifths of what loading Gradio takes."""
    component_meta = pytest.importorskip("gradio.component_meta")
    assert "\n        create_or_modify_pyi(component_class" in inspect.getsource(component_meta), "Gradio has another name for it"
    assert json.loads(ended.stdout.splitlines()[1])["writer"] == "visualize.app.light_gradio"


def test_an_app_loads_pandas_only_where_gradio_uses_it(ended):
    """It takes up to a second and 35 MB, and no component here has a table."""
    pytest.importorskip("gradio")
    said = json.loads(ended.stdout.splitlines()[1])
    assert said["pandas"] is False
    assert said["later"] is True


def test_what_decodes_or_counts_in_closed_form_needs_no_torch():
    """So that a child process that only decodes starts in a fraction of a second."""
    ended = run(
        """
import json, sys
import cvt.pictures.decoding
loaded = list(sys.modules)
sys.modules["torch"] = None
from cvt.pictures import read_picture
read_picture("examples/koala.jpg")
from cvt import CvtConfig
from cvt.architecture import budget, cost, inheritance, presets, variants
cost.cost(CvtConfig(), 224, 224)
inheritance.report(CvtConfig(), CvtConfig())
print(json.dumps(loaded))
"""
    )
    assert ended.returncode == 0, ended.stderr
    loaded = json.loads(ended.stdout)
    assert not {"torch", "gradio", "matplotlib", "transformers"} & set(loaded)


def test_captum_is_loaded_only_where_it_computes():
    """It takes half a second, which neither the start of the app nor a prediction should pay."""
    found = [name for name, path in MODULES.items() if any(each.split(".")[0] == "captum" for each in imported(name, path))]
    assert found == ["visualize.maps.explain.gradients"]
    body = [node for node in parsed(MODULES[found[0]]).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not any("captum" in ast.dump(node) for node in body)


FOR_THE_APP = {"gradio", "gradio_client", "starlette", "uvicorn", "playwright"}


def way_to_the_app(name, paths, done):
    """The modules over which loading this one loads what only the app needs, where no ``importorskip`` comes first; or none."""
    done.add(name)
    for node in parsed(paths[name]).body:
        if isinstance(node, ast.Expr) and "importorskip" in ast.dump(node) and any(each in ast.dump(node) for each in FOR_THE_APP):
            return []
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for each in imported_by(node, package_of(name, paths[name]), paths):
            if each.split(".")[0] in FOR_THE_APP:
                return [name, each]
            if each in paths and each not in done and (way := way_to_the_app(each, paths, done)):
                return [name, *way]
    return []


def test_tests_are_found_where_gradio_is_not_installed():
    """On a machine for the library alone: what needs the app is skipped there, not an error."""
    paths = {**MODULES, **modules("tests"), "app": ROOT / "app.py"}
    found = [name for name in paths if name.rpartition(".")[2].startswith(("test_", "conftest"))]
    assert len(found) > 50
    done = set()  # by all, as they share most of what they import
    assert [way for name in found if name not in done and (way := way_to_the_app(name, paths, done))] == []
    assert way_to_the_app("tests.serving", paths, set()) == ["tests.serving", "app", "visualize.app.blocks", "gradio"]
