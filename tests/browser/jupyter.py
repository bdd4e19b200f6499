"""A real JupyterLab, with settings of its own, for notebooks that a test writes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.helpers import ROOT, WITHOUT

TOKEN = "a-token-for-this-test"
NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}  # asked by a dialog over the notebook
PATIENCE = 60  # seconds; it takes two on a machine that is idle


def notebook(*cells: str) -> str:
    """The text of a notebook with these cells of Python."""
    made = [
        {"cell_type": "code", "id": f"cell-{index}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for index, source in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})


def environment(folder: Path) -> dict[str, str]:
    """Where Jupyter finds its settings, none of a person's, and kernels find this project."""
    places = {name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    places |= {name: str(folder / name.lower()) for name in ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")}
    return {
        **os.environ,
        **places,
        "PYTHONPATH": os.pathsep.join(map(str, (WITHOUT, ROOT))),
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


@contextmanager
def jupyter_lab(folder: Path) -> Iterator[str]:
    """Serves the notebooks in ``folder / "notebooks"``; yields the address, ``{}`` standing for a notebook's name."""
    settings = folder / "jupyterlab_settings_dir/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(NO_NEWS), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port_retries=0", f"--ServerApp.port={port}"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder / 'notebooks'}", "--ServerApp.terminals_enabled=False"),
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with open(folder / "log.txt", "w") as log:
        process = subprocess.Popen(command, env=environment(folder), cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        due = time.monotonic() + PATIENCE
        while True:
            try:
                urlopen(f"{address}/api/status?token={TOKEN}", timeout=5).close()
                break
            except (URLError, ConnectionError):
                assert process.poll() is None, (folder / "log.txt").read_text()
                assert time.monotonic() < due, "JupyterLab does not answer."
                time.sleep(0.1)
        yield f"{address}/lab/tree/{{}}?token={TOKEN}&reset"
    finally:
        process.terminate()  # it ends its kernels
        process.wait(PATIENCE)


EXECUTE = """
import sys, nbformat, nbclient, nbformat.sign
notebook = nbformat.reads(sys.stdin.read(), as_version=4)
nbclient.NotebookClient(notebook).execute()
nbformat.sign.NotebookNotary().sign(notebook)
sys.stdout.write(nbformat.writes(notebook))
"""


def execute(folder: Path, text: str) -> str:
    """The text of a notebook with what its cells gave, and the state of its widgets: run as on a server, without a browser, and trusted."""
    settings = {"env": environment(folder), "cwd": folder, "capture_output": True, "text": True, "encoding": "utf-8"}
    return subprocess.run([sys.executable, "-c", EXECUTE], input=text, check=True, **settings).stdout
