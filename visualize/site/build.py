"""Writes the page without a server into a folder: the page, its scripts, the examples' results, and the model for the browser."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cvt import ablations
from cvt.config import CvtConfig
from cvt.model import CvtForImageClassification
from cvt.processor import CvtImageProcessor

from ..alone.bundle import script
from ..alone.file import template
from ..page.laboratory.describe import about, describe
from ..page.lessons.api import LessonsApi
from ..page.link.choices import MODULE
from ..page.words import head, trust
from ..web import FOLDER, chooser, site
from ..web.components import COMPONENTS, styles
from .examples import write_examples
from .facts import link_facts
from .files import digest, write_json, write_packed
from .model_files import write_model
from .runtime import write_runtime
from .shell import page

EXAMPLES = Path(__file__).parents[2] / "examples"  # of a checkout
WORKER = "sw.js"  # the service worker, which must lie beside the page


def build(
    out: str | Path,
    *,
    source: str | None = None,
    examples: Sequence[str | Path] | None = None,
    lessons: str | Path | None = None,
    runtime: str | Path | None = None,
    server: str = "",
) -> Path:
    """Writes the site into the folder ``out``, which must be new, empty, or an earlier site, and returns its path.

    Args:
        source: the model, as for ``from_pretrained``; None for the embedded one.
        examples: pictures with a SOURCES.md beside them, the first of which the page opens with; by default those of the page.
        lessons: a folder with lessons of one's own.
        runtime: onnxruntime-web's npm package, a file or a folder; by default it is fetched.
        server: the address of a page with a server, for what the browser cannot do.
    Raises:
        ValueError: a folder with other files in it, no such model, picture or package, or a package that differs from the pinned one.
        ImportError: the package ``onnx`` is not installed.
    """
    if server and not server.startswith(("https://", "http://")):
        raise ValueError(f"The page with a server has an address that begins with https:// or http://, not {server!r}.")
    out = _emptied(Path(out))
    pictures = [Path(each) for each in examples or (EXAMPLES / f"{name}.jpg" for name in chooser.EXAMPLES)]
    model, processor = CvtForImageClassification.from_pretrained(source).eval(), CvtImageProcessor.from_pretrained(source)
    name = "Embedded CvT" if source is None else Path(source).name
    common = {
        "note": trust.accuracy(model.config),
        "source": name if source and Path(source).is_dir() else source,  # everyone can read it: a folder's path stays here
        "model": name,
        "first": True,
        "facts": head.numbers(model.config, processor.side),
    }
    write_model(out / "model", model, processor, pictures, common=common)
    write_runtime(out / "runtime", None if runtime is None else Path(runtime))
    facts = {
        "examples": write_examples(out, model, processor, pictures, common),
        "common": common,
        "link": link_facts(model.config, processor.side, name, [each.stem for each in pictures]),
        "server": server,
        "download": _download(out),
    }
    write_packed(out / "page.gz", template().encode())  # what "Save as a page" fills in
    write_json(out / "lessons.json", LessonsApi(lessons).lessons())
    write_json(out / "ablations.json", ablations.table())
    write_json(out / "laboratory.json", _laboratory(model.config, processor.side, name))
    scripts = _modules()
    for path, text in scripts.items():
        _write(out / "modules" / path, text)
    _write(out / "style.css", styles() + site.CSS)
    _write(out / "index.html", page(pictures, facts))
    _write(out / ".nojekyll", "")  # GitHub would look for pages to make
    _write(out / WORKER, _worker(digest(out), scripts))
    return out


def _emptied(out: Path) -> Path:
    """The folder without an earlier site's files. Raises ValueError if it holds anything else."""
    if out.exists() and any(out.iterdir()):
        if not (out / WORKER).is_file():
            raise ValueError(f"{out} holds other files. Give a new folder, an empty one, or an earlier site's.")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    return out


def _download(out: Path) -> dict[str, Any]:
    """The files of the model, and of what runs it, and how large they are."""
    files = sorted(file for part in ("model", "runtime") for file in (out / part).iterdir())
    return {"files": [file.relative_to(out).as_posix() for file in files], "bytes": sum(file.stat().st_size for file in files)}


def _modules() -> dict[str, str]:
    """The text of all scripts by their paths below ``modules``."""
    files = (file for each in (*COMPONENTS, site) for file in sorted(each.STATIC.rglob("*.js")) if file != site.STATIC / WORKER)
    names = [MODULE, *(file.relative_to(FOLDER).as_posix() for file in files)]
    return {name: script(name) for name in names}


def _laboratory(config: CvtConfig, side: int, model: str) -> dict[str, Any]:
    """The laboratory's controls, and its answers for the architectures that it starts from, which lessons ask about."""
    controls = about(config, side)
    described = [
        {"stages": each["stages"], "side": each["side"], "answer": describe(config, side, {"stages": each["stages"], "side": each["side"]})}
        for each in controls["presets"]
    ]
    return {"about": {"model": model, **controls}, "described": described}


def _worker(name: str, scripts: dict[str, str]) -> str:
    core = ["./", "style.css", "lessons.json", "ablations.json", "laboratory.json", *(f"modules/{path}" for path in scripts)]
    text = (site.STATIC / WORKER).read_text(encoding="utf-8")
    return text.replace("__DIGEST__", name).replace("__CORE__", " ".join(core))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
