"""Imports go one way: config ← model ← checkpoint, and cvt ← visualize ← app."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import tiny_model

ROOT = Path(__file__).parent.parent
PACKAGES = ("cvt", "visualize")

_READERS = ("avif", "bmp", "gif", "jpeg", "png", "ppm", "tiff", "webp")
_FORMAT = {
    "cvt.pictures.colour",
    "cvt.pictures.formats.bounds",
    "cvt.pictures.formats.exif",
    "cvt.pictures.formats.stored",
    "cvt.pictures.notes",
}

# What each module of the model may import of its own package; checkpoint is reached from within functions only.
MODEL = {
    "cvt.fields": set(),
    "cvt.stage": {"cvt.fields"},
    "cvt.base.config": {"cvt.fields"},
    "cvt.config": {"cvt.base.config", "cvt.fields", "cvt.stage"},
    "cvt.files.storage": {"cvt.fields"},
    "cvt.base.transformers": set(),
    "cvt.files.names": set(),
    "cvt.pictures.notes": set(),
    "cvt.pictures.formats.bounds": set(),
    "cvt.pictures.formats.exif": set(),
    "cvt.pictures.colour": {"cvt.pictures.formats.bounds", "cvt.pictures.formats.stored", "cvt.pictures.notes"},
    "cvt.pictures.formats.stored": {"cvt.pictures.formats.bounds", "cvt.pictures.notes"},
    **{f"cvt.pictures.formats.{name}": _FORMAT for name in ({*_READERS, "tiff_tags"} - {"tiff"})},
    "cvt.pictures.formats.tiff": _FORMAT | {"cvt.pictures.formats.jpeg", "cvt.pictures.formats.tiff_tags", "cvt.pictures.formats"},
    "cvt.pictures.reading": _FORMAT | {"cvt.pictures.formats", *(f"cvt.pictures.formats.{name}" for name in _READERS)},
    "cvt.pictures.decoding": {"cvt.pictures.notes", "cvt.pictures.reading"},
    "cvt.pictures.fetch": {"cvt.fields", "cvt.pictures.reading"},
    "cvt.architecture.cost": {"cvt.config"},
    "cvt.outputs": {"cvt.config"},
    "cvt.runtime.linear": set(),
    "cvt.base.model": {"cvt.config", "cvt.base.config", "cvt.base.transformers"},
    "cvt.pretrained": {"cvt.config", "cvt.base.model"},
    "cvt.model": {"cvt.config", "cvt.outputs", "cvt.pretrained"},
    "cvt.processor.arrays": {"cvt.fields", "cvt.pictures.formats.bounds"},
    "cvt.processor.batch_feature": {"cvt.fields"},
    "cvt.pictures.sources": {"cvt.pictures.fetch", "cvt.pictures.reading"},
    "cvt.processor.settings": {"cvt.processor.arrays", "cvt.fields"},
    "cvt.files.options": {"cvt.base.config", "cvt.fields"},
    "cvt.files.push": set(),
    "cvt.processor.files": {"cvt.base.config", "cvt.files.storage", "cvt.files.options", "cvt.files.push"},
    "cvt.processor.processor": {
        *("cvt.processor.arrays", "cvt.processor.batch_feature", "cvt.base.config", "cvt.fields", "cvt.pictures.reading"),
        *("cvt.processor.files", "cvt.processor.settings", "cvt.pictures.sources"),
    },
    "cvt.classifiers": set(),
    "cvt.architecture.amounts": set(),
    "cvt.architecture.settings": {"cvt.fields"},
    "cvt.architecture.inheritance": {"cvt.architecture.amounts", "cvt.config"},
    "cvt.architecture.build": {"cvt.config", "cvt.model"},
    "cvt.architecture.inherit": {"cvt.architecture.build", "cvt.config", "cvt.architecture.inheritance", "cvt.model"},
    "cvt.architecture.variants": {"cvt.config", "cvt.fields", "cvt.architecture.settings"},
    "cvt.architecture.presets": {"cvt.config", "cvt.fields", "cvt.architecture.variants"},
    "cvt.architecture.budget": {
        "cvt.architecture.amounts",
        "cvt.config",
        "cvt.fields",
        "cvt.architecture.cost",
        "cvt.architecture.settings",
        "cvt.architecture.variants",
    },
}


def modules(package):
    """Dotted name → path of every module of a package."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imported(name, path):
    """(dotted name, whether at the top of the module) of all that it imports, relative names resolved, typing aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    top = set()
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for inner in ast.walk(node):
                inner.skipped = True
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            top.add(node)
    for node in ast.walk(tree):
        if hasattr(node, "skipped"):
            continue
        if isinstance(node, ast.Import):
            yield from ((each.name, node in top) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            for each in node.names:
                yield (f"{base}.{each.name}" if f"{base}.{each.name}" in KNOWN else base), node in top


KNOWN = {name for package in PACKAGES for name in modules(package)}
IMPORTS = {name: set(imported(name, path)) for package in PACKAGES for name, path in modules(package).items()}


def roots(name):
    return {each.split(".")[0] for each, _ in IMPORTS[name]}


def test_the_reader_sees_imports():
    assert ("cvt.config", True) in IMPORTS["cvt.model"]
    assert ("cvt.files.checkpoint", False) in IMPORTS["cvt.base.model"]
    assert ("cvt.files.microsoft", True) in IMPORTS["cvt.files.checkpoint"]  # from . import microsoft
    assert "torch" in roots("cvt.model")


@pytest.mark.parametrize("name", sorted(IMPORTS))
def test_direction(name):
    forbidden = {"app", "gradio", "benchmarks", "tests", "transformers"}
    if name.startswith("cvt"):
        forbidden |= {"visualize", "matplotlib"}
    elif name != "visualize.draw.plots":
        forbidden |= {"matplotlib"}
    assert not roots(name) & forbidden


@pytest.mark.parametrize("name", sorted(MODEL))
def test_the_model_is_read_from_the_bottom(name):
    own = {each for each, at_the_top in IMPORTS[name] if at_the_top and each.startswith("cvt")}
    assert own <= MODEL[name]


def test_no_circles():
    """Taking away modules that import nothing that is left must take away all."""
    left = {name: {each for each, at_the_top in IMPORTS[name] if at_the_top and each in KNOWN} for name in KNOWN}
    while left:
        free = {name for name, needs in left.items() if not needs & set(left) - {name}}
        assert free, f"these import each other: {sorted(left)}"
        left = {name: needs for name, needs in left.items() if name not in free}


def run(program):
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_library_loads_nothing_it_does_not_need():
    program = "import sys, cvt\nfor name in cvt.__all__: getattr(cvt, name)\nprint(*sys.modules)"
    loaded = {name.split(".")[0] for name in run(program).split()}
    assert not loaded & {"gradio", "matplotlib", "transformers", "huggingface_hub", "visualize", "pandas"}


def test_loading_a_model_does_not_load_pytorchs_compiler(tmp_path):
    """It takes longer than everything else together."""
    tiny_model().save_pretrained(tmp_path)
    loaded = run(f"import sys, cvt; cvt.CvtForImageClassification.from_pretrained({str(tmp_path)!r}); print(*sys.modules)")
    assert "torch._dynamo" not in loaded.split()


def test_what_is_counted_in_closed_form_needs_no_torch():
    run(
        "import sys; sys.modules['torch'] = None; from cvt import CvtConfig; CvtConfig()\n"
        "from cvt.architecture import budget, cost, inheritance, presets, variants"
    )


def test_reading_pictures_needs_no_torch():
    """A child process that only decodes starts in a fraction of a second."""
    run("import sys; sys.modules['torch'] = None; from cvt.pictures import read_picture; read_picture('examples/koala.jpg')")


def test_the_function_stays_the_function():
    run("import cvt.pipelines; from cvt import pipeline; assert callable(pipeline); import cvt; assert cvt.pipeline is pipeline")
    with pytest.raises(subprocess.CalledProcessError):
        run("from cvt import nothing_of_the_kind")


def test_tests_are_found_where_gradio_is_not_installed():
    """On a machine for the library alone: what needs the app is skipped there, not an error."""
    run(
        "import sys\nfor name in ('gradio', 'starlette', 'uvicorn', 'playwright'): sys.modules[name] = None\n"
        "import pytest; sys.exit(pytest.main(['--collect-only', '-qq', '-p', 'no:cacheprovider', 'tests']))"
    )
