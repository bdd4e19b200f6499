"""onnxruntime-web's files, which run the model in the browser: from its npm package, in one pinned version and checked.

Microsoft, MIT License, https://www.npmjs.com/package/onnxruntime-web.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tarfile
import urllib.request
from pathlib import Path

from .files import write_packed

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="  # as npm gives it
SCRIPT, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
FILES = {
    SCRIPT: "sha512-1KcF8CWAZeqtTcvLgKPtOMXIbkWeh++LDCQpDhQ5ARVxHAL1VNL5rr0OI+MxTbmNIANldE/A/q+O4gSKgSMjWQ==",
    WASM: "sha512-Gt7e1iIDIZ/PXEhM/OVleqWHVom0kEI/hs8cod0crXcV9jDGM39B23HuQnlOOgDOC3x4k5pxIgtdgzaL9up3MA==",
}
REGISTRY = "https://registry.npmjs.org"
SECONDS = 120


def write_runtime(out: Path, package: Path | None = None) -> None:
    """Writes the script and, compressed, the WASM file into ``out``.

    Args:
        package: the package's file, as ``npm pack`` writes it, or the folder that ``npm install`` makes of it; by default it is fetched
            from npm's registry, or that in the environment variable ``npm_config_registry``.
    Raises:
        ValueError: it cannot be fetched or read, or is not the pinned version's.
    """
    files = _of_folder(package) if package and package.is_dir() else _of_archive(_fetched() if package is None else _read(package))
    for name, content in files.items():
        _check(name, content, FILES[name])
    out.mkdir()
    (out / SCRIPT).write_bytes(files[SCRIPT])
    write_packed(out / f"{WASM}.gz", files[WASM])


def _of_folder(package: Path) -> dict[str, bytes]:
    return {name: _read(package / "dist" / name) for name in FILES}


def _of_archive(content: bytes) -> dict[str, bytes]:
    _check(f"The package {PACKAGE}", content, INTEGRITY)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = {name: archive.extractfile(f"package/dist/{name}") for name in FILES}
        return {name: file.read() for name, file in files.items() if file}


def _check(name: str, content: bytes, expected: str) -> None:
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()  # as npm and browsers write it
    if found != expected:
        raise ValueError(f"{name} is not that of version {VERSION}: its integrity is {found}, not {expected}.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from error


def _fetched() -> bytes:
    registry = os.environ.get("npm_config_registry") or REGISTRY  # noqa: SIM112, npm's own name
    address = f"{registry.rstrip('/')}/{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz"
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            return answer.read()
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{PACKAGE} {VERSION} cannot be fetched from {address}: {error}. Without a network, give its file with --runtime; "
            f"`npm pack {PACKAGE}@{VERSION}` writes it."
        ) from error
