"""Colours of any described space → sRGB, as a screen shows them.

Profiles are applied as Chromium does: perceptual intent, no black point compensation, through littleCMS (Pillow's
ImageCms). A profile that is sRGB by what it does leaves pixels exactly as they are. PQ and HLG are reduced to the range of
a screen as Chromium does, in BT.2020's primaries: light up to reference white (203 cd/m², ITU-R BT.2408) is halved; from
there to a content peak of 1,000 cd/m², which becomes white, the largest of red, green and blue follows a quadratic Bézier
curve that leaves the straight line smoothly; the three keep their ratio, and what is outside sRGB then is clipped.
Sources: ICC.1:2022; ITU-T H.273 (code points); ITU-R BT.2100 (PQ and HLG).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from .bounds import MAX_PROFILE_BYTES
from .notes import Note
from .stored import bands

_D65 = (0.3127, 0.3290)
_SRGB_PLACES = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *_D65)  # x, y of red, green, blue and white
# H.273's colour primaries → their name, and x, y of red, green, blue and white.
_PRIMARIES = {
    1: ("BT.709", _SRGB_PLACES),
    2: ("BT.709", _SRGB_PLACES),  # unspecified
    4: ("BT.470 M", (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316)),
    5: ("BT.470 BG", (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65)),
    6: ("BT.601", (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65)),
    7: ("SMPTE 240M", (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65)),
    9: ("BT.2020", (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65)),
    11: ("DCI-P3", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351)),
    12: ("Display P3", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65)),
}
# H.273's transfer characteristics; those of television are a matter of who shows them.
_TELEVISION = (1, 6, 11, 14, 15)
_TRANSFERS: dict[int, str | float] = {
    2: "srgb",
    13: "srgb",
    **dict.fromkeys(_TELEVISION, "television"),
    4: 2.2,
    5: 2.8,
    8: 1.0,
    16: "pq",
    18: "hlg",
}
# Gamuts that people know by name, whatever a profile calls itself: x, y of red, green, blue and white.
_GAMUTS = {
    "Display P3": _PRIMARIES[12][1],
    "Rec. 2020": _PRIMARIES[9][1],
    "Adobe RGB": (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *_D65),
    "ProPhoto RGB": (0.734699, 0.265301, 0.159597, 0.840403, 0.036598, 0.000105, 0.345704, 0.358540),
}
_SPACES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
_CLASSES = (b"mntr", b"scnr", b"prtr", b"spac")
_REFERENCE_WHITE = 203.0  # cd/m²
_PEAK = 1000 / _REFERENCE_WHITE
_SAME = 2  # levels by which variants of sRGB differ: rounded curves and primaries


@dataclass(frozen=True)
class Described:
    """A colour space by numbers: chromaticities (x, y of red, green, blue, white) and a transfer, "srgb", "pq", "hlg" or a gamma."""

    name: str
    places: tuple[float, ...]
    transfer: str | float

    @property
    def is_srgb(self) -> bool:
        return self.transfer == "srgb" and self.places == _SRGB_PLACES


def from_cicp(primaries: int, transfer: int, television: str | float = 2.4) -> Described | None:
    """The space of two of H.273's code points; None for those that no picture uses.

    ``television``: the curve with which television's transfers are shown. Chromium takes a display's gamma of 2.4 (BT.1886)
    in PNG, and sRGB's curve in AVIF, whose encoders write them without meaning them.
    """
    if primaries not in _PRIMARIES or transfer not in _TRANSFERS:
        return None
    name, places = _PRIMARIES[primaries]
    curve = television if transfer in _TELEVISION else _TRANSFERS[transfer]
    if curve != "srgb" and transfer not in _TELEVISION:
        name = {"pq": f"{name} PQ", "hlg": f"{name} HLG", 1.0: f"linear {name}"}.get(curve, f"{name}, gamma {curve}")
    return Described(name, places, curve)


def from_gamma(exponent: float, places: np.ndarray | None) -> Described | None:
    """The space of a PNG's gAMA (1 / gamma) and cHRM (white, red, green, blue); None where it is sRGB's or makes no sense.

    With sRGB's primaries, or none, 1/2.2 is what encoders write to mean sRGB.
    """
    if not 0.05 <= exponent <= 5:
        return None
    xy = _SRGB_PLACES if places is None else tuple(float(value) for value in (*places[2:], *places[:2]))
    srgb_curve = abs(exponent * 2.2 - 1) < 0.05  # as libpng and Chromium take it
    if max(abs(own - usual) for own, usual in zip(xy, _SRGB_PLACES, strict=True)) < 0.002:
        xy = _SRGB_PLACES
    described = Described(f"gamma {1 / exponent:.2g}", xy, "srgb" if srgb_curve and xy == _SRGB_PLACES else round(1 / exponent, 4))
    try:
        _to_xyz(described.places)
    except (np.linalg.LinAlgError, ZeroDivisionError):
        return None
    return None if described.is_srgb else described


def to_srgb(picture: Image.Image, colour: bytes | Described | None) -> tuple[Image.Image, Note | None]:
    """A picture of mode L, LA, RGB, RGBA or CMYK in sRGB, and what was done; RGB and RGBA are changed in place.

    None, sRGB, or what cannot be used leaves the picture as it is; it may keep its mode.
    """
    if colour is None or (isinstance(colour, Described) and colour.is_srgb):
        return picture, None
    if isinstance(colour, Described) and colour.transfer in ("pq", "hlg"):
        return _tone_mapped(_as_rgb(picture), colour), Note("tone_mapped", name=colour.name)
    profile = _matrix_profile(colour) if isinstance(colour, Described) else colour
    space = _space(profile)
    grey = picture.mode in ("L", "LA")
    if space is None or (space == "CMYK") != (picture.mode == "CMYK") or (space == "L" and not grey):
        return picture, Note("profile_ignored")
    try:
        name, change = _transform(profile, "RGBA" if space == "RGB" and picture.mode in ("LA", "RGBA") else space)
        if isinstance(colour, Described):
            name = colour.name
        if change is None:
            return picture, None
        return _applied(picture, space, change), Note("converted", name=name)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture, Note("profile_ignored")


def lab_to_srgb(picture: Image.Image) -> Image.Image:
    """A picture of Pillow's mode LAB (CIE L*a*b* of D50) as RGB."""
    change = ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB", ImageCms.Intent.PERCEPTUAL)
    return _changed(picture, change)


def _as_rgb(picture: Image.Image) -> Image.Image:
    return picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGBA" if picture.mode == "LA" else "RGB")


def _applied(picture: Image.Image, space: str, change: ImageCms.ImageCmsTransform) -> Image.Image:
    if space == "RGB":
        picture = _as_rgb(picture)
        ImageCms.applyTransform(picture, change, inPlace=True)  # an alpha channel stays
        return picture
    if picture.mode == "LA":
        converted = _changed(picture.getchannel("L"), change)
        converted.putalpha(picture.getchannel("A"))
        return converted
    return _changed(picture, change)


def _changed(picture: Image.Image, change: ImageCms.ImageCmsTransform) -> Image.Image:
    changed = ImageCms.applyTransform(picture, change)
    assert changed is not None  # it is None only for a change in place
    return changed


def _space(profile: bytes) -> str | None:
    """Pillow's mode of the colours that an ICC profile describes; None if it is broken, or of a kind that no picture carries.

    Its parts must lie inside it. Programs of many elements (mpet), whose work has no bound, are left out.
    """
    if not 132 <= len(profile) <= MAX_PROFILE_BYTES or profile[36:40] != b"acsp" or profile[12:16] not in _CLASSES:
        return None
    (count,) = struct.unpack_from(">I", profile, 128)
    if not 0 < count <= 200 or len(profile) < 132 + 12 * count:
        return None
    for entry in range(132, 132 + 12 * count, 12):
        _, offset, length = struct.unpack_from(">4sII", profile, entry)
        if offset + length > len(profile) or profile[offset : offset + 4] == b"mpet":
            return None
    return _SPACES.get(profile[16:20])


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """(the profile's name, its way to sRGB); None for the way of a profile that is sRGB."""
    opened = ImageCms.ImageCmsProfile(BytesIO(profile))
    name = _gamut(profile) or _name(opened)
    out = mode if mode in ("RGB", "RGBA") else "RGB"
    change = ImageCms.buildTransform(opened, _srgb(), mode, out, ImageCms.Intent.PERCEPTUAL)
    if mode == "CMYK":
        return name, change
    if name.startswith("sRGB v4 ICC"):  # the ICC's own re-rendering of sRGB, whose pixels are sRGB's
        return name, None
    probe = _probe().convert(mode)
    same = np.abs(np.asarray(ImageCms.applyTransform(probe, change), int) - np.asarray(probe.convert(out), int)).max() <= _SAME
    return name, None if same else change


@lru_cache(maxsize=1)
def _probe() -> Image.Image:
    """All greys, and colours of the whole cube."""
    steps = np.linspace(0, 255, 13).round()
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    greys = np.repeat(np.arange(256)[:, None], 3, axis=1)
    return Image.fromarray(np.concatenate([greys, cube]).astype(np.uint8)[None])


def _gamut(profile: bytes) -> str | None:
    """The name of the known gamut that has this profile's three colourants."""
    places = {profile[entry : entry + 4]: entry for entry in range(132, 132 + 12 * struct.unpack_from(">I", profile, 128)[0], 12)}
    try:
        offsets = [struct.unpack_from(">I", profile, places[name] + 4)[0] for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        columns = np.array([struct.unpack_from(">3i", profile, offset + 8) for offset in offsets]).T / 65536
    except (KeyError, struct.error):
        return None
    return next((name for name, places in _GAMUTS.items() if np.abs(_adapted(places) - columns).max() < 0.003), None)


def _name(profile: ImageCms.ImageCmsProfile) -> str:
    try:
        words = " ".join(ImageCms.getProfileDescription(profile).split())
    except ImageCms.PyCMSError:
        words = ""
    words = "".join(letter for letter in words if letter.isprintable())
    return (words if len(words) <= 60 else f"{words[:57]}...") or "an unnamed profile"


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(BytesIO(_matrix_profile(Described("sRGB", _SRGB_PLACES, "srgb"))))


def _to_xyz(places: tuple[float, ...]) -> np.ndarray:
    """3×3 from linear RGB of these chromaticities to XYZ, white Y = 1."""
    red, green, blue, white = (np.array([x / y, 1.0, (1 - x - y) / y]) for x, y in zip(places[::2], places[1::2], strict=True))
    columns = np.stack([red, green, blue], axis=1)
    return columns * np.linalg.solve(columns, white)


def _adapted(places: tuple[float, ...]) -> np.ndarray:
    """``_to_xyz`` with the white moved to the ICC's D50, by Bradford's way."""
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    to_xyz = _to_xyz(places)
    scale = (bradford @ [0.9642, 1.0, 0.8249]) / (bradford @ to_xyz.sum(axis=1))
    return np.linalg.inv(bradford) @ np.diag(scale) @ bradford @ to_xyz


def _linear(values: np.ndarray, transfer: str | float) -> np.ndarray:
    """0..1 as stored → 0..1 of light."""
    if transfer == "srgb":
        return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return values**transfer


@lru_cache(maxsize=8)
def _matrix_profile(space: Described) -> bytes:
    """An ICC profile (version 2, so that littleCMS adds no black point compensation) of three primaries and one curve."""
    curve = (_linear(np.linspace(0, 1, 4096), space.transfer) * 65535).round().astype(">u2").tobytes()
    curve = b"curv" + bytes(4) + struct.pack(">I", 4096) + curve
    matrix = _adapted(space.places)
    text = space.name.encode("ascii", "replace") + b"\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    parts = {b"desc": description, b"wtpt": _xyz([0.9642, 1.0, 0.8249]), b"rTRC": curve}
    parts |= {name: _xyz(matrix[:, column]) for column, name in enumerate([b"rXYZ", b"gXYZ", b"bXYZ"])}
    table, data, offsets = b"", b"", {}
    start = 132 + 12 * (len(parts) + 2)
    for name, content in parts.items():
        offsets[name] = (start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    offsets |= {b"gTRC": offsets[b"rTRC"], b"bTRC": offsets[b"rTRC"]}
    for name, place in offsets.items():
        table += name + struct.pack(">II", *place)
    header = struct.pack(">I4sI4s4s4s", start + len(data), bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + _xyz([0.9642, 1.0, 0.8249])[8:]
    return header.ljust(128, b"\0") + struct.pack(">I", len(offsets)) + table + data


def _xyz(values) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def _tone_mapped(picture: Image.Image, space: Described) -> Image.Image:
    """PQ or HLG → sRGB, in place."""
    light = _light(np.arange(256) / 255, str(space.transfer)).astype(np.float32)
    wide = _to_xyz(_PRIMARIES[9][1])
    to_wide = (np.linalg.inv(wide) @ _to_xyz(space.places)).T.astype(np.float32)
    to_srgb_light = (np.linalg.inv(_to_xyz(_SRGB_PLACES)) @ wide).T.astype(np.float32)
    steps = np.linspace(0, 1, 4096)
    encode = np.where(steps <= 0.0031308, steps * 12.92, 1.055 * steps ** (1 / 2.4) - 0.055)
    encode = (encode * 255).round().astype(np.uint8)
    for top, bottom in bands(*picture.size):
        stored = np.array(picture.crop((0, top, picture.width, bottom)))
        linear = light[stored[:, :, :3]] @ to_wide
        if space.transfer == "hlg":  # the system gamma of a screen of 1,000 cd/m²
            luminance = np.maximum(linear @ wide[1].astype(np.float32), 1e-6)
            linear *= luminance[:, :, None] ** np.float32(0.2) * np.float32(_PEAK)
        largest = np.maximum(linear.max(axis=2, keepdims=True), 1e-6)
        linear *= np.interp(largest, *_tone_curve()).astype(np.float32) / largest
        shown = np.clip(linear @ to_srgb_light, 0, 1)
        stored[:, :, :3] = encode[(shown * 4095).round().astype(np.uint16)]
        picture.paste(Image.fromarray(stored), (0, top))
    return picture


def _tone_curve() -> tuple[np.ndarray, np.ndarray]:
    """Points (light, light shown), both in units of reference white and of the screen's white."""
    knee, bend, end = (1.0, 0.5), (1.65, 0.825), (_PEAK, 1.0)  # the bend lies on the straight line from black
    share = np.linspace(0, 1, 257)
    x, y = ((1 - share) ** 2 * a + 2 * share * (1 - share) * b + share**2 * c for a, b, c in zip(knee, bend, end, strict=True))
    return np.concatenate([[0.0], x]), np.concatenate([[0.0], y])


def _light(values: np.ndarray, transfer: str) -> np.ndarray:
    """PQ → light in units of reference white; HLG → scene light 0..1."""
    if transfer == "pq":
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        power = values ** (1 / m2)
        return (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) * 10_000 / _REFERENCE_WHITE
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
