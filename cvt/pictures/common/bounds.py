"""What may be decoded: bounds on pixels, shapes, work and memory, and the sentences for files outside them."""

from __future__ import annotations

MAX_PIXELS = 50_000_000  # room for a phone's largest pictures; at most 0.85 GB while one is decoded (PNG of 16 bits with transparency)
MAX_ASPECT = 50  # longer side : shorter side
MAX_SCANNED_PIXELS = 20 * MAX_PIXELS  # pixels × scans of one JPEG; encoders make about ten scans
MAX_UNPACKED_BYTES = 200_000_000  # bytes of one compressed part that can only be unpacked whole
MAX_PROFILE_BYTES = 4_000_000  # bytes of a colour profile; printers' tables take up to 3 MB

DAMAGED = "This picture is damaged or incomplete. Try exporting it again, or use JPEG."
TOO_LARGE = f"This picture has more than {MAX_PIXELS // 1_000_000} million pixels. Make it smaller and try again."


class UnreadablePicture(ValueError):
    """A picture that cannot be used; the message is a sentence for the person who chose it."""


def damaged() -> UnreadablePicture:
    return UnreadablePicture(DAMAGED)


def unsupported(variant: str, remedy: str = "Export it as PNG or JPEG") -> UnreadablePicture:
    """The refusal of a file that is whole, but of a kind that is not read here: ``variant`` names it."""
    return UnreadablePicture(f"This is {variant}, which cannot be read here. {remedy} and try again.")


def check_size(width: int, height: int) -> None:
    """Refuses a picture by the size that its header gives."""
    if width < 1 or height < 1:
        raise UnreadablePicture("This picture has no pixels. Choose another one.")
    if width * height > MAX_PIXELS:
        raise UnreadablePicture(TOO_LARGE)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnreadablePicture(f"One side of this picture is more than {MAX_ASPECT} times the other. Cut out a part of it and try again.")


def check_scans(scanned: int) -> None:
    """Refuses a JPEG whose scans × pixels would keep a processor busy for long."""
    if scanned > MAX_SCANNED_PIXELS:
        raise UnreadablePicture("This JPEG is stored in too many scans to be decoded in a reasonable time. Export it again.")
