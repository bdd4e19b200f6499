"""The cost of opening an untrusted file: bounds by counts, decided before pixels are decoded, and memory as measured."""

import random
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from cvt.pictures import MAX_PIXELS, UnreadablePicture, note_sentence, open_picture, read_picture
from cvt.pictures.common import bounds
from cvt.pictures.decoding import Limits
from cvt.pictures.formats import ppm
from tests.pictures.corpus import corpus
from tests.pictures.files import chunk, encoded, gamut_profile, gif, photograph, png, tiff

# Bytes of memory that opening takes for each pixel at most. A progressive JPEG in CMYK takes 16: coefficients of two bytes and
# samples of one for each of four inks, and four of RGB. A PNG of 16 bits with transparency took 16.6.
MOST_MEMORY = 17.0


def resized(file, width, height):
    """A JPEG whose header says another size."""
    place = next(
        file.index(marker) for marker in (b"\xff\xc0\0\x11", b"\xff\xc2\0\x11", b"\xff\xc2\0\x0b", b"\xff\xc0\0\x0b") if marker in file
    )
    return file[: place + 5] + struct.pack(">HH", height, width) + file[place + 9 :]


def many_scans(count):
    """A progressive JPEG whose last scan comes again and again."""
    file = encoded(photograph(mode="L"), "JPEG", progressive=True)
    scan = file[file.rindex(b"\xff\xda") : -2]
    return file[:-2] + scan * count + b"\xff\xd9"


def shown_tiff(**tags):
    return {"t256": 64, "t257": 64, "t258": 8, "t259": 8, "t262": 1, "t277": 1, **tags}


def smaller_than_its_frame():
    """An AVIF whose frame is larger than the extent that its boxes give."""
    file = encoded(photograph(400, 300), "AVIF")
    place = file.index(b"ispe") + 8
    return file[:place] + struct.pack(">II", 40, 30) + file[place + 8 :]


packed = zlib.compress(bytes(64 * 64))
strip = encoded(photograph(64, 64, "L"), "JPEG", progressive=True)
BOMBS = {
    "scans": (resized(many_scans(30), 7000, 7000), "too many scans"),
    "scans in a TIFF": (
        tiff([resized(many_scans(30), 7000, 7000)], **shown_tiff(t256=7000, t257=7000, t259=7, t278=7000)),
        "too many scans",
    ),
    "a second size": (
        encoded(photograph(), "JPEG").replace(b"\xff\xda", b"\xff\xc0\0\x0b\x08\xff\xff\xff\xff\1\1\x11\0\xff\xda", 1),
        "damaged",
    ),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(275), "JPEG 2000"),
    "a tile": (tiff([packed], **shown_tiff(t322=60_000, t323=60_000)), "50 million"),
    "a tile in float": (tiff([packed], **shown_tiff(t322=7_000, t323=7_000, t258=(64,) * 4, t277=4, t339=(3,) * 4, t262=2)), "large part"),
    "one part": (
        tiff([b"\x80\x00"], **shown_tiff(t256=7000, t257=7000, t258=(32,) * 3, t259=5, t262=2, t277=3, t339=(3,) * 3, t278=7000)),
        "large part",
    ),
    "strips of the same bytes": (
        tiff([bytes(50_000)], **shown_tiff(t257=500, t278=1, t273=("I", *[8] * 500), t279=("I", *[50_000] * 500))),
        "damaged",
    ),
    "samples": (tiff([packed], **shown_tiff(t277=60_000)), "damaged"),
    "a frame behind its extent": (smaller_than_its_frame(), "damaged"),
    "text": (b"P3 7000 7000 255\n" + b"1 2 3 " * 100, "numbers written as text"),
    "a canvas": (gif((65_535, 65_535), [(0, 0, photograph(mode="P"))]), "50 million"),
    "a frame": (gif((8, 8), [(65_000, 65_000, photograph(mode="P"))]), "50 million"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_before_anything_is_decoded(name, monkeypatch):
    content, words = BOMBS[name]

    def decoded(*args, **kwargs):
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    with pytest.raises(UnreadablePicture, match=words):
        open_picture(content)


def test_the_bound_on_scans_is_scans_times_pixels(monkeypatch):
    monkeypatch.setattr(bounds, "MAX_SCANNED_PIXELS", 40 * 30 * 20)
    usual = len(encoded(photograph(mode="L"), "JPEG", progressive=True).split(b"\xff\xda")) - 1
    assert open_picture(many_scans(20 - usual)).size == (40, 30)
    with pytest.raises(UnreadablePicture, match="too many scans"):
        open_picture(many_scans(21 - usual))
    assert ppm.MAX_WRITTEN_NUMBERS < MAX_PIXELS


def test_a_large_later_frame_costs_nothing():
    """Only the first frame is looked at."""
    animated = gif((40, 30), [(0, 0, photograph(mode="P")), (60_000, 60_000, photograph(mode="P"))])
    assert open_picture(animated).size == (40, 30)
    later = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 1, 60_000, 60_000, 0, 0, 1, 1, 0, 0)) + chunk(b"fdAT", bytes(100))
    first = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 40, 30, 0, 0, 1, 1, 0, 0))
    assert open_picture(png(np.asarray(photograph()), before=first, after=later)).size == (40, 30)


SIDE = 2500  # large enough that the memory for pixels is nearly all


def rows(bits, channels):
    return bytes(range(250)) * (SIDE * bits * channels // 8 // 250)


def large_png(depth, kind, channels, before):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, depth, kind, 0, 0, 0))
    data = zlib.compress((b"\0" + rows(depth, channels)) * SIDE, 1)
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def large_tiff(bits, channels, rows_per_strip, **tags):
    strips = [zlib.compress(rows(bits, channels) * rows_per_strip, 1)] * (SIDE // rows_per_strip)
    return tiff(strips, t256=SIDE, t257=SIDE, t258=(bits,) * channels, t259=8, t262=2, t277=channels, t278=rows_per_strip, t274=6, **tags)


def large_files():
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = gamut_profile("Display P3")
    turned = chunk(b"eXIf", exif.tobytes()[6:])
    coloured = chunk(b"iCCP", b"x\0\0" + zlib.compress(profile)) + turned
    options = {"icc_profile": profile, "exif": exif}
    flat = Image.new("RGBA", (SIDE, SIDE), (1, 2, 3, 100))
    return {
        "PNG of 16 bits": large_png(16, 6, 4, coloured),
        "PNG in HDR": large_png(8, 2, 3, chunk(b"cICP", bytes([9, 16, 0, 1])) + turned),
        "progressive JPEG": encoded(flat.convert("RGB"), "JPEG", progressive=True, subsampling=0, **options),
        "JPEG without end": encoded(flat.convert("CMYK"), "JPEG", progressive=True, subsampling=0)[:-2],
        "WebP": encoded(flat, "WEBP", lossless=True, quality=0, method=0, **options),
        "TIFF of floats": large_tiff(32, 3, SIDE, t339=(3, 3, 3)),
        "TIFF of 16 bits": large_tiff(16, 4, 100, t338=2, t34675=profile),
        "a small frame": gif((SIDE, SIDE), [(9, 9, photograph(mode="P"))]),
    }


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts kB as Linux does")
def test_memory_stays_within_the_stated_bound(tmp_path, monkeypatch):
    """The peak of a fresh process for each, by the system's own count."""
    program = (  # ru_maxrss would count what the process was that started this one, too
        "import re, sys; from cvt.pictures import open_picture\n"
        "def peak(): return re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read()).group(1)\n"
        "open_picture(sys.argv[2])  # what every picture of its kind needs, such as libraries\n"
        "before = peak(); open_picture(sys.argv[1]); print(before, peak())"
    )
    with monkeypatch.context() as smaller:
        smaller.setattr(sys.modules[__name__], "SIDE", 500)
        small = large_files()
    peaks = {}
    for name, content in large_files().items():
        (tmp_path / "file").write_bytes(content)
        (tmp_path / "small").write_bytes(small[name])
        run = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "file"), str(tmp_path / "small")], capture_output=True, text=True, check=True
        )
        before, peak = (1024 * int(number) for number in run.stdout.split())
        peaks[name] = (peak - before) / SIDE**2
    assert max(peaks.values()) <= MOST_MEMORY, peaks
    assert Limits().memory / 2 > MOST_MEMORY * MAX_PIXELS


def test_any_damage_is_a_picture_or_a_sentence():
    """250 files of every format with bytes changed, lost, doubled or of another file."""
    dice = random.Random(0)
    files = list({**corpus(), **others()}.values())
    outcomes = {"opened": 0, "refused": 0}
    for _ in range(250):
        damaged = bytearray(dice.choice(files))
        for _ in range(dice.choice([1, 1, 2, 4, 10])):
            harm(dice, damaged, files)
        outcomes["opened" if opens(bytes(damaged)) else "refused"] += 1
    assert min(outcomes.values()) > 38


def opens(content):
    """Whether it opens; if not, for a reason that a file can have, in one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            opened = read_picture(content)
    except UnreadablePicture as error:
        refused = error
    else:
        assert opened.image.mode == "RGB"
        assert all(map(note_sentence, opened.notes))
        return True
    assert str(refused).endswith(".")
    assert "\n" not in str(refused)
    mistakes = (TypeError, AttributeError, NameError, AssertionError, MemoryError, Warning)
    assert not isinstance(refused.__cause__, mistakes), refused.__cause__
    return False


def harm(dice, content, files):
    place = dice.randrange(min(len(content), dice.choice([64, 400, 20_000])))
    how = dice.random()
    if how < 0.55:
        content[place] = dice.randrange(256)
    elif how < 0.65:
        del content[max(1, place) :]
    elif how < 0.8:
        del content[place : place + dice.randrange(1, 20)]
    elif how < 0.93:
        content[place:place] = content[: dice.randrange(1, 20)]
    else:
        other = dice.choice(files)
        content[place:] = other[dice.randrange(len(other)) :]
    if not content:
        content += b"x"


def others():
    """Formats that browsers do not show."""
    files = {f"TIFF {name}": encoded(photograph(), "TIFF", compression=name) for name in (None, "tiff_lzw", "jpeg", "packbits", "lzma")}
    files["fax"] = encoded(photograph(mode="1"), "TIFF", compression="group4")
    files["BigTIFF"] = tiff([bytes(3600)], big=True, t256=40, t257=30, t258=(8, 8, 8), t259=1, t262=2, t277=3, t278=30)
    files["PPM"], files["PGM"] = encoded(photograph(), "PPM"), b"P5\n# hi\n40 30\n4095\n" + bytes(2400)
    files["plain"], files["PFM"] = b"P3 40 30 255\n" + b"1 2 3 # c\n" * 1200, b"PF\n40 30\n-1.0\n" + bytes(14_400)
    return files
