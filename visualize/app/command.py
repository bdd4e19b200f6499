"""The command line of ``app.py``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

from ..page.models import best_here
from ..page.words.sentences import say
from ..page.workers import suggested

MOST_WORKERS = 64


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line; every option can also be set by an environment variable, for hosting.

    ``model`` becomes a list of arguments for ``from_pretrained``: None for the embedded model.
    """
    parser = argparse.ArgumentParser(description="CvT Explorer: see what each stage of a Convolutional vision Transformer does.")

    def option(name: str, variable: str, default: Any, meaning: str, kind: Callable[[str], Any] = str) -> None:
        parser.add_argument(
            name, default=os.environ.get(variable, default), type=kind, help=f"{meaning} (environment: {variable}; default: {default})"
        )

    parser.add_argument(
        "--model",
        action="append",
        help="a folder in Hugging Face's format, a Microsoft .pth file, a Hub id such as microsoft/cvt-13, or 'embedded' for the "
        "built-in model; repeat it to choose between models on the page "
        "(environment: CVT_MODEL, several separated by commas; default: embedded, or on a Space that has it microsoft/cvt-13)",
    )
    option(
        "--device", "CVT_DEVICE", "auto", "auto, cpu, cuda, cuda:1, …; auto is CUDA in float16 if there is a GPU, else the CPU in float32"
    )
    option(
        "--workers",
        "CVT_WORKERS",
        str(suggested()),
        "on a CPU, processes that run models while somebody else's picture is being run; each holds the models that it runs",
        _count,
    )
    option("--host", "GRADIO_SERVER_NAME", "127.0.0.1", "the address to serve on; 0.0.0.0 serves all networks of this machine")
    option("--port", "GRADIO_SERVER_PORT", 7860, "the port to serve on", int)
    option("--root-path", "GRADIO_ROOT_PATH", "", "the path below which a proxy serves the page, such as /cvt")
    parser.add_argument(
        "--allow-addresses",
        action=argparse.BooleanOptionalAction,
        default=os.environ.get("CVT_ALLOW_ADDRESSES", "").strip().lower() in ("1", "true", "yes", "on"),
        help="let API clients give pictures by web address, for this machine to download; never from private networks "
        "(environment: CVT_ALLOW_ADDRESSES=1; default: off)",
    )
    parser.add_argument(
        "--lessons",
        metavar="DIR",
        default=os.environ.get("CVT_LESSONS") or None,
        help="a folder with lessons of your own, text files that end in .yaml or .json (environment: CVT_LESSONS; default: none)",
    )
    options = parser.parse_args(given)
    named = options.model or [name.strip() for name in os.environ.get("CVT_MODEL", "").split(",")]
    options.model = [None if name == "embedded" else name for name in named if name] or best_here()
    return options


def _count(text: str) -> int:
    if text not in map(str, range(MOST_WORKERS + 1)):
        raise argparse.ArgumentTypeError(say("workers_number", most=MOST_WORKERS))
    if text != "0" and sys.platform != "linux":
        raise argparse.ArgumentTypeError(say("workers_nowhere"))
    return int(text)
