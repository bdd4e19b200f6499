"""Reads any picture file, array or PIL image as upright 8-bit sRGB, within bounds; see ``reading.py``."""

from .common.bounds import MAX_ASPECT, MAX_PIXELS, UnreadablePicture
from .common.notes import Note, note_sentence
from .reading import COLOURS, FORMATS, OpenedPicture, PictureSource, open_picture, read_picture

__all__ = [
    "COLOURS",
    "FORMATS",
    "MAX_ASPECT",
    "MAX_PIXELS",
    "Note",
    "OpenedPicture",
    "PictureSource",
    "UnreadablePicture",
    "note_sentence",
    "open_picture",
    "read_picture",
]
