"""Bounds on the pixels, shape, work and memory of a picture, and the errors for files that exceed them."""

from __future__ import annotations

MAX_PIXELS = 50_000_000  # enough for the largest phone pictures; decoding takes at most 0.85 GB (16-bit PNG with transparency)
MAX_ASPECT = 50  # longer side : shorter side
MAX_SCANNED_PIXELS = 20 * MAX_PIXELS  # pixels × scans of one JPEG; encoders make about ten scans
MAX_UNPACKED_BYTES = 200_000_000  # bytes of one compressed part that can only be unpacked whole
MAX_PROFILE_BYTES = 4_000_000  # bytes of a colour profile; printers' tables take up to 3 MB

DAMAGED = "This picture is damaged or incomplete. Try exporting it again, or use JPEG."
TOO_LARGE = f"This picture has more than {MAX_PIXELS // 1_000_000} million pixels. Make it smaller and try again."


class UnreadablePicture(ValueError):
    """A picture cannot be used; the message is for the person who chose it."""


def damaged() -> UnreadablePicture:
    return UnreadablePicture(DAMAGED)


def unsupported(variant: str, remedy: str = "Export it as PNG or JPEG") -> UnreadablePicture:
    """The error for an intact file of an unsupported kind, which ``variant`` names."""
    return UnreadablePicture(f"This is {variant}, which is not supported here. {remedy} and try again.")


def check_size(width: int, height: int) -> None:
    """Refuses a picture whose header gives a size out of bounds."""
    if width < 1 or height < 1:
        raise UnreadablePicture("This picture has no pixels. Choose a different one.")
    if width * height > MAX_PIXELS:
        raise UnreadablePicture(TOO_LARGE)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnreadablePicture(f"One side of this picture is more than {MAX_ASPECT} times the other. Crop it and try again.")


def check_scans(scanned: int) -> None:
    """Refuses a JPEG whose scans × pixels would take too long to decode."""
    if scanned > MAX_SCANNED_PIXELS:
        raise UnreadablePicture("This JPEG is stored in too many scans to be decoded in a reasonable time. Export it again.")
