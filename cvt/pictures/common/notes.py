"""Notes on what was done to a picture while opening it: values, and the sentences for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """One thing that was done to turn a file's pixels into upright 8-bit sRGB.

    Args:
        kind: a key of ``SENTENCES``.
        count: of frames or pages, for kinds with a number.
        name: of a colour profile or standard, or a range of values, for kinds with one.
    """

    kind: str
    count: int = 0
    name: str = ""


SENTENCES = {
    "turned": "Turned upright.",
    "frames": "First of {count} frames.",
    "still": "The still picture of a sequence.",
    "pages": "First of {count} pages.",
    "transparency": "Transparent parts shown over white.",
    "converted": "Colours converted from {name}.",
    "tone_mapped": "High dynamic range ({name}) tone-mapped for a normal screen.",
    "profile_ignored": "The colour profile could not be used; colours shown as stored.",
    "no_end": "The end marker of the file is missing; the picture is complete.",
    "range": "Values from {name} shown as black to white.",
}


def note_sentence(note: Note) -> str:
    """One whole sentence for the person who chose the picture."""
    return SENTENCES[note.kind].format(count=note.count, name=note.name)
