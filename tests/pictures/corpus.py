"""Small files of every format that browsers show, mode × depth × transparency × colours: name → bytes."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image

from tests.pictures.files import chunk, encoded, frame_control, gamut_profile, gif, grey_profile, photograph, png, png_data, print_profile
from tests.pictures.files import rgb_table_profile as table_of_rgb

WIDTH, HEIGHT = 40, 30
MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("1", "L", "P"),
    "WEBP": ("L", "RGB", "RGBA", "P"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "AVIF": ("L", "RGB", "P"),
}
OPTIONS = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "exact": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
}
CICP = {
    "Display P3": (12, 13),
    "television": (1, 1),
    "BT.2020": (9, 13),
    "linear": (1, 8),
    "PQ": (9, 16),
    "HLG": (9, 18),
    "PQ of P3": (12, 16),
}
CICP |= {"BT.601": (6, 6), "BT.470 BG": (5, 6), "gamma 2.2": (1, 4), "gamma 2.8": (1, 5), "BT.2020 television": (9, 14)}
CICP |= {"television of more colours": (1, 11)}
SRGB_PLACES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_PLACES = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def alpha() -> np.ndarray:
    """Transparent on the left, opaque on the right."""
    return np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))


def of_mode(mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(photograph(mode="L")).astype(np.uint16) * 257)
    if mode not in ("LA", "RGBA"):
        return photograph(mode=mode)
    picture = photograph()
    picture.putalpha(Image.fromarray(alpha()))
    return picture.convert(mode)


def profiles() -> dict[str, bytes]:
    made = {name: gamut_profile(name) for name in ("Display P3", "Adobe RGB", "ProPhoto RGB", "Rec. 2020", "sRGB")}
    return made | {"grey": grey_profile(1.8), "CMYK": print_profile(), "table": table_of_rgb(), "broken": b"nonsense" * 40}


def by_pillow() -> dict[str, bytes]:
    """Every mode that Pillow writes, with every profile."""
    files = {}
    for kind, modes in MODES.items():
        for mode in modes:
            picture, options = of_mode(mode), OPTIONS.get(kind, {})
            files[f"{kind} {mode}"] = encoded(picture, kind, **options)
            for name, profile in profiles().items() if kind not in ("GIF", "BMP") else ():
                if kind != "AVIF" or name not in ("grey", "CMYK", "broken"):  # which browsers refuse
                    files[f"{kind} {mode} {name}"] = encoded(picture, kind, icc_profile=profile, **options)
    files["JPEG progressive"] = encoded(photograph(), "JPEG", progressive=True)
    files["WEBP lossy, transparent"] = encoded(of_mode("RGBA"), "WEBP", quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("PNG", "JPEG", "AVIF"):  # browsers do not turn WebP
        files[f"{kind} turned"] = encoded(photograph(), kind, exif=exif, **OPTIONS.get(kind, {}))
    for kind in ("PNG", "GIF", "WEBP"):
        files[f"{kind} animated"] = encoded(
            photograph(), kind, save_all=True, append_images=[photograph(seed=3).rotate(180)], **OPTIONS.get(kind, {})
        )
    return files


def pngs() -> dict[str, bytes]:
    """Depths, transparent colours, described colours and animations that Pillow does not write."""
    rgb, grey, clear = np.asarray(photograph()), np.asarray(photograph(mode="L")), alpha()
    wide = rgb.astype(np.uint16) * 257 + (np.arange(WIDTH) % 7).astype(np.uint16)[None, :, None]
    files = {"PNG 16 RGB": png(wide, 16), "PNG 16 RGBA": png(np.dstack([rgb, clear]).astype(np.uint16) * 257, 16)}
    files["PNG 16 LA"] = png(np.dstack([grey, clear]).astype(np.uint16) * 257, 16)
    for depth in (1, 2, 4):
        values = grey >> (8 - depth)
        palette = chunk(b"PLTE", bytes(range(30, 30 + (3 << depth)))) + chunk(b"tRNS", b"\0\x80")
        files |= {f"PNG {depth} grey": png(values, depth), f"PNG {depth} palette": png(values, depth, palette, kind=3)}
        files[f"PNG {depth} clear grey"] = png(values, depth, chunk(b"tRNS", struct.pack(">H", 1)))
    files["PNG short palette"] = png(grey >> 6, 8, chunk(b"PLTE", bytes([200, 10, 10, 10, 20, 200])), kind=3)
    files["PNG clear colour"] = png(rgb // 64 * 64, 8, chunk(b"tRNS", struct.pack(">HHH", 128, 64, 64)))

    def gamma(value: int) -> bytes:
        return chunk(b"gAMA", struct.pack(">I", value))

    places, p3 = (chunk(b"cHRM", struct.pack(">8I", *values)) for values in (SRGB_PLACES, P3_PLACES))
    for value in (44000, 45455, 47000, 55556, 100000):
        files[f"PNG gamma {value}"] = png(rgb, 8, gamma(value))
    files["PNG grey gamma"] = png(grey, 8, gamma(100000))
    files["PNG gamma beside sRGB"] = png(rgb, 8, gamma(100000) + chunk(b"sRGB", b"\0"))
    files["PNG gamma and places"] = png(rgb, 8, gamma(100000) + places)
    files["PNG gamma and places of P3"] = png(rgb, 8, gamma(45455) + p3)
    files["PNG places alone"] = png(rgb, 8, p3)
    for name, (primaries, transfer) in CICP.items():
        files[f"PNG cICP {name}"] = png(rgb, 8, chunk(b"cICP", bytes([primaries, transfer, 0, 1])))
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(gamut_profile("ProPhoto RGB")))
    files["PNG cICP over a profile"] = png(rgb, 8, chunk(b"cICP", bytes([12, 13, 0, 1])) + profile)
    frame = np.full((10, 12, 3), [0, 200, 0], np.uint8)
    data, control = struct.pack(">I", 1) + png_data(frame), chunk(b"acTL", struct.pack(">II", 2, 0))
    later = frame_control(2, 12, 10, 0, 0) + chunk(b"fdAT", struct.pack(">I", 3) + png_data(frame))
    files["APNG, still picture apart"] = png(rgb, 8, control, frame_control(0, 12, 10, 3, 4) + chunk(b"fdAT", data) + later)
    second = frame_control(1, 12, 10, 0, 0) + chunk(b"fdAT", struct.pack(">I", 2) + png_data(frame))
    files["APNG, still picture first"] = png(rgb, 8, control + frame_control(0, WIDTH, HEIGHT, 0, 0), second)
    return files


def gifs() -> dict[str, bytes]:
    red = Image.new("P", (20, 20))
    red.putpalette([255, 0, 0] * 256)
    return {
        "GIF frame inside": gif((60, 50), [(20, 10, red)]),
        "GIF frame outside": gif((30, 30), [(20, 10, red)]),
        "GIF two frames": gif((30, 30), [(0, 0, red), (5, 5, red)]),
    }


def bmp(bits: int, pixels: bytes, masks: tuple[int, ...] = (), palette: bytes = b"", top_down: bool = False, compression: int = 0) -> bytes:
    """A BMP of 40×30 pixels; four masks make its header one of version 5."""
    size = 124 if len(masks) == 4 else 40
    height = -HEIGHT if top_down else HEIGHT
    header = struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, bits, 3 if masks else compression, 0, 0, 0, len(palette) // 4, 0)
    header += struct.pack(f"<{len(masks)}I", *masks)
    header = header.ljust(size, b"\0")
    offset = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + header + palette + pixels


def bmps() -> dict[str, bytes]:
    red, green, blue = (np.asarray(photograph())[::-1, :, channel].astype(np.uint32) for channel in range(3))
    clear, grey = alpha()[::-1].astype(np.uint32), np.asarray(photograph(mode="L"))[::-1]
    true = red << 16 | green << 8 | blue
    nibbles = np.packbits(((grey >> 4)[:, :, None] >> np.arange(3, -1, -1) & 1).astype(np.uint8).reshape(HEIGHT, -1), axis=1)
    return {
        "BMP 565": bmp(16, (red >> 3 << 11 | green >> 2 << 5 | blue >> 3).astype("<u2").tobytes(), (0xF800, 0x7E0, 0x1F)),
        "BMP 555": bmp(16, (red >> 3 << 10 | green >> 3 << 5 | blue >> 3).astype("<u2").tobytes()),
        "BMP 444": bmp(16, (red >> 4 << 8 | green >> 4 << 4 | blue >> 4).astype("<u2").tobytes(), (0xF00, 0xF0, 0xF)),
        "BMP 32 with alpha": bmp(32, (clear << 24 | true).astype("<u4").tobytes(), (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        "BMP 32": bmp(32, (clear << 24 | true).astype("<u4").tobytes()),
        "BMP 10 bits": bmp(32, (red << 22 | green << 12 | blue << 2).astype("<u4").tobytes(), (0x3FF00000, 0xFFC00, 0x3FF)),
        "BMP top down": bmp(32, true.astype("<u4").tobytes(), top_down=True),
        "BMP 4": bmp(4, nibbles.tobytes(), palette=bytes(range(64))),
    }


def corpus() -> dict[str, bytes]:
    return by_pillow() | pngs() | gifs() | bmps()
