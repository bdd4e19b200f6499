"""What a client says it can unpack."""

from __future__ import annotations

# A page that was opened on the server's own machine sends this header, and gets bytes as they are: they travel in less time than it takes
# to pack and unpack them.
NEAR = "X-Near"


def accepted(header: str) -> set[str]:
    """The encodings that an Accept-Encoding header allows, such as ``br`` and ``gzip``; those of quality 0 are refused."""
    parts = (part.replace(" ", "").partition(";") for part in header.lower().split(","))
    return {name for name, _, quality in parts if quality not in ("q=0", "q=0.0")}
