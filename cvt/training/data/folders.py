"""Pictures in class folders: one folder per class, searched recursively."""

from __future__ import annotations

import os
from pathlib import Path

from .listing import Listing, check_name, class_names, composed, printable

# Files with these extensions are treated as pictures; unreadable ones are reported.
SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".jp2", ".ppm", ".pgm",
    ".heic", ".heif", ".svg", ".ico", ".tga", ".psd", ".jxl", ".raw", ".dng",
))  # fmt: skip
# Folders with these names, in any case, are the parts of a data set.
TRAINING_NAMES = ("train", "training")
HELD_OUT_NAMES = (("valid", "validation"), ("val",), ("test", "testing"))  # the first that exists
_PARTS = {*TRAINING_NAMES, *(name for names in HELD_OUT_NAMES for name in names)}


def folders(path: Path) -> list[Path]:
    """The folders in a folder that are not hidden, sorted by name. Raises OSError."""
    with os.scandir(path) as entries:
        names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    return [path / name for name in sorted(names, key=composed)]


def own_pictures(path: Path) -> list[str]:
    """The names of the pictures directly in a folder. Raises OSError."""
    with os.scandir(path) as entries:
        return sorted(entry.name for entry in entries if _is_picture(entry.name) and not entry.is_dir())


def check_links(path: Path) -> None:
    """Refuses broken links in a folder: a class's pictures may have been behind one. Raises OSError."""
    with os.scandir(path) as entries:
        links = sorted(entry.name for entry in entries if entry.is_symlink() and not entry.name.startswith("."))
    for name in links:
        if not (path / name).exists():
            raise ValueError(f"{printable(name)!r} is a broken link: fix or remove it.")


def from_folders(path: Path, root: Path) -> Listing:
    """All pictures of the class folders in ``path``, with names relative to ``root``.

    Raises:
        ValueError: no class folder, one without pictures, folders that are parts rather than classes, or names that are not
            UTF-8. OSError: a folder that cannot be read.
    """
    check_links(path)
    classes = folders(path)
    if not classes:
        raise ValueError(f"{printable(path.name)!r} contains no folders: put each class's pictures into a folder with the class's name.")
    for folder in classes:
        check_name(folder.name)
    _check_no_parts(classes)
    found = [(file, label) for label, folder in enumerate(classes) for file in _pictures(folder)]
    for file, _ in found:
        check_name(str(file.relative_to(path)))
    return Listing(
        classes=class_names((folder.name for folder in classes), path.name),
        names=tuple(file.relative_to(root).as_posix() for file, _ in found),
        labels=tuple(label for _, label in found),
        walk=lambda: (file for file, _ in found),
        notes=_outside(path),
    )


def _check_no_parts(classes: list[Path]) -> None:
    """Refuses folders with the same class folders, like the parts of a data set: they would be learned as classes."""
    inside = [{composed(each.name) for each in folders(folder)} for folder in classes]
    shared = sorted(set.intersection(*inside))
    if len(classes) < 2 or len(shared) < 2 or any(own_pictures(folder) for folder in classes):
        return
    if all(names == inside[0] for names in inside) or any(folder.name.lower() in _PARTS for folder in classes):
        raise ValueError(
            f"{classes[0].name!r} and {classes[1].name!r} hold the same folders, such as {shared[0]!r}: they look like parts of the "
            f"data, not like classes. Name the parts train and val; if they are classes, put their pictures into them directly."
        )


def _pictures(folder: Path) -> list[Path]:
    found = []
    for place, inner, files in os.walk(folder, onerror=_fail):
        inner[:] = [name for name in inner if not name.startswith(".")]  # such as .thumbnails
        found += [Path(place, name) for name in files if _is_picture(name)]
    if not found:
        raise ValueError(f"The class {folder.name!r} has no picture: add some, or remove the folder.")
    return sorted(found)


def _fail(error: OSError) -> None:
    raise error


def _is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")


def _outside(path: Path) -> tuple[str, ...]:
    """A note on pictures outside the class folders, if there are any."""
    outside = own_pictures(path)
    if not outside:
        return ()
    lie = "1 picture lies" if len(outside) == 1 else f"{len(outside)} pictures lie"
    return (f"{lie} in {printable(path.name)!r} outside any class folder and will not be used, such as {printable(outside[0])!r}.",)
