"""What a picture file shows: scales, transparency, first frames, turns, and what is said about it."""

import io
import os
import socket
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from cvt.pictures import Note, UnreadablePicture, note_sentence, open_picture, read_picture
from tests.pictures.files import chunk, encoded, gif, photograph, png, tiff

RAMP = np.tile(np.linspace(0, 1, 64), (8, 1))  # (H, W), 0 to 1
COLOURS = np.stack([RAMP, 1 - RAMP, RAMP**2], axis=2)  # (H, W, 3)
SHOWN = {1: np.repeat(RAMP[:, :, None], 3, axis=2), 3: COLOURS}
SIZE = {"t256": 64, "t257": 8}


def pixels(source, **options):
    return np.asarray(open_picture(source, **options)).astype(int)


def kinds(source):
    return [note.kind for note in read_picture(source).notes]


def packed(values, bits):
    """Rows of whole numbers, each of this many bits, the first bit first."""
    lines = values.reshape(len(values), -1).astype(np.int64)
    shown = (lines[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(shown.reshape(len(lines), -1).astype(np.uint8), axis=1).tobytes()


# --- TIFF ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"])
def test_tiff_scales_come_from_the_type(kind, channels, order):
    """Whatever the largest value is: the upper half of the ramp is left out, and the rest looks the same."""
    most = {"u": 2.0 ** (8 * int(kind[1])) - 1, "i": 2.0 ** (8 * int(kind[1]) - 1) - 1, "f": 1.0}[kind[0]]
    shown = SHOWN[channels][:, :, :channels] / 2
    values = (shown * most).round() if kind[0] != "f" else shown
    data = values.astype(f"{order}{kind}").tobytes()
    file = tiff(
        [data], order, **SIZE, t258=(8 * int(kind[1]),) * channels, t259=1, t262=1 if channels == 1 else 2, t277=channels,
        t278=8, t339=({"u": 1, "i": 2, "f": 3}[kind[0]],) * channels,
    )  # fmt: skip
    step = 255 / most if kind[0] != "f" else 0
    assert np.abs(pixels(file) - SHOWN[channels] * 127.5).max() <= 0.6 + step / 2


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 10, 12, 14, 24])
def test_tiff_of_any_number_of_bits(bits):
    most = (1 << bits) - 1
    values = (RAMP * most).round().astype(np.int64)
    for photometric in (0, 1):
        file = tiff([packed(values, bits)], **SIZE, t258=bits, t259=1, t262=photometric, t277=1, t278=8)
        shown = values / most * 255
        assert np.abs(pixels(file)[:, :, 0] - (255 - shown if photometric == 0 else shown)).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_tiff_in_planes_strips_and_tiles(kind, tiled, compression):
    values = (COLOURS if kind[0] == "f" else (COLOURS * (2.0 ** (8 * int(kind[1])) - 1)).round()).astype(f"<{kind}")
    parts = []
    for plane in range(3):
        if tiled:
            whole = np.zeros((16, 64), values.dtype)  # its lower half lies outside the picture
            whole[:8] = values[:, :, plane]
            parts += [whole[:, left : left + 16] for left in range(0, 64, 16)]
        else:
            parts += [values[top : top + 3, :, plane] for top in range(0, 8, 3)]
    parts = [part.tobytes() if compression == 1 else zlib.compress(part.tobytes()) for part in parts]
    layout = {"t322": 16, "t323": 16} if tiled else {"t278": 3}
    file = tiff(
        parts, **SIZE, t258=(8 * int(kind[1]),) * 3, t259=compression, t262=2, t277=3, t284=2, t339=(3 if kind[0] == "f" else 1,) * 3,
        **layout,
    )  # fmt: skip
    assert np.abs(pixels(file) - COLOURS * 255).max() <= 0.51


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "lzma", "zstd", None])
def test_tiff_compressions(compression):
    for mode in ("RGB", "L", "RGBA", "CMYK"):
        picture = photograph(100, 60, mode=mode)
        assert np.array_equal(pixels(encoded(picture, "TIFF", compression=compression)), np.asarray(picture.convert("RGB")).astype(int))
    wide = Image.fromarray((np.asarray(photograph(100, 60, mode="L")).astype(np.uint16)) * 257)
    for options in ({}, {"tiffinfo": {317: 2}} if compression in ("tiff_lzw", "tiff_adobe_deflate") else {}):
        assert np.array_equal(pixels(encoded(wide, "TIFF", compression=compression, **options))[:, :, 0], np.asarray(wide) // 257)


def test_tiff_predictors():
    differences = np.diff((COLOURS * 65535).round().astype("<u2"), axis=1, prepend=np.zeros((8, 1, 3), "<u2"))
    tags = {**SIZE, "t259": 8, "t262": 2, "t277": 3, "t278": 8}
    file = tiff([zlib.compress(differences.astype("<u2").tobytes())], t258=(16,) * 3, t317=2, **tags)
    assert np.abs(pixels(file) - COLOURS * 255).max() <= 0.51
    planes = COLOURS.astype(">f4").reshape(8, -1).view(np.uint8).reshape(8, -1, 4).transpose(0, 2, 1).reshape(8, -1, 3)
    rows = np.diff(planes, axis=1, prepend=np.zeros((8, 1, 3), np.uint8)).astype(np.uint8)
    file = tiff([zlib.compress(rows.tobytes())], t258=(32,) * 3, t317=3, t339=(3,) * 3, **tags)
    assert np.abs(pixels(file) - COLOURS * 255).max() <= 0.51


def test_tiff_of_faxes_and_jpegs():
    picture = photograph(mode="1")
    for compression in ("group3", "group4"):
        assert np.array_equal(pixels(encoded(picture, "TIFF", compression=compression))[:, :, 0], np.asarray(picture) * 255)
    assert np.abs(pixels(encoded(photograph(), "TIFF", compression="jpeg", quality=95)) - np.asarray(photograph())).mean() < 4


def test_tiff_palettes_transparency_and_pages():
    table = np.arange(3 * 16).reshape(3, 16) * 1285
    indices = np.tile(np.arange(16), (8, 4))
    file = tiff([packed(indices, 4)], **SIZE, t258=4, t259=1, t262=3, t277=1, t278=8, t320=tuple(int(value) for value in table.ravel()))
    assert np.array_equal(pixels(file), table.T[indices] // 257)
    alpha = RAMP[:, :, None]
    for extra in (1, 2):  # multiplied with the colours, or beside them
        values = np.concatenate([COLOURS * alpha if extra == 1 else COLOURS, alpha], axis=2)
        data = (values * 65535).round().astype("<u2").tobytes()
        file = tiff([data], **SIZE, t258=(16,) * 4, t259=1, t262=2, t277=4, t278=8, t338=extra, pages=3)
        assert np.abs(pixels(file) - 255 * (COLOURS * alpha + 1 - alpha)).max() <= 3
        assert read_picture(file).notes == (Note("pages", 3), Note("transparency"))
    assert [note_sentence(note) for note in read_picture(file).notes] == ["First of 3 pages.", "Transparent parts shown over white."]


def test_tiff_ranges_from_tags():
    data = (RAMP * 100 + 50).astype("<f4").tobytes()
    file = tiff([data], **SIZE, t258=32, t259=1, t262=1, t277=1, t278=8, t339=3, t340=("f", 50.0), t341=("f", 150.0))
    assert np.abs(pixels(file)[:, :, 0] - RAMP * 255).max() <= 0.51
    assert note_sentence(*read_picture(file).notes) == "Values from 50 to 150 shown as black to white."
    twelve = tiff([(RAMP * 4095).round().astype("<u2").tobytes()], **SIZE, t258=16, t259=1, t262=1, t277=1, t278=8, t341=4095)
    assert np.abs(pixels(twelve)[:, :, 0] - RAMP * 255).max() <= 0.51


@pytest.mark.parametrize("photometric", [8, 9])
def test_tiff_in_lab(photometric):
    """a* and b* are signed in CIELAB (8), and from 0 on with 128 for grey in ICCLAB (9)."""
    lab = np.array([[[54, 81, 70], [88, -79, 81], [54, 0, 0], [0, 0, 0], [100, 0, 0]]])
    srgb = [[255, 0, 0], [0, 255, 0], [129, 129, 129], [0, 0, 0], [255, 255, 255]]
    stored = (lab * [2.55, 1, 1]).round().astype(int) + np.array([0, 128, 128]) * (photometric == 9)
    file = tiff([(stored & 255).astype(np.uint8).tobytes()], "<", t256=5, t257=1, t258=(8, 8, 8), t259=1, t262=photometric, t277=3, t278=1)
    assert np.abs(pixels(file)[0] - srgb).max() <= 16  # a step of a* or b* is many near the edge of sRGB, where its curve is steep


def test_tiff_of_64_bit_offsets():
    data = (COLOURS * 255).round().astype(np.uint8).tobytes()
    for order in "<>":
        file = tiff([data], order, big=True, **SIZE, t258=(8, 8, 8), t259=1, t262=2, t277=3, t278=8)
        assert np.abs(pixels(file) - COLOURS * 255).max() <= 0.5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"t259": 6}, "old JPEG compression"),
        ({"t259": 34712}, "JPEG 2000 compression"),
        ({"t262": 6}, "YCbCr"),
        ({"t262": 32803}, "camera raw"),
        ({"t339": 4, "t258": 32}, "complex"),
        ({"t258": (8, 8, 16)}, "different kinds"),
        ({"t50706": ("B", 1, 4, 0, 0)}, "DNG"),
    ],
    ids=str,
)
def test_tiff_variants_are_refused_by_name(changes, words):
    tags = {**SIZE, "t258": (8, 8, 8), "t259": 1, "t262": 2, "t277": 3, "t278": 8, **changes}
    with pytest.raises(UnreadablePicture, match=f"(?s){words}.*Export"):
        open_picture(tiff([bytes(64 * 8 * 16)], **tags))


# --- the Netpbm family, and PIL's own modes ------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 15, 255, 1000, 65535])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("plain", [False, True])
def test_netpbm_scales_by_its_maximum(most, channels, plain):
    values = (SHOWN[channels][:, :, :channels] / 2 * most).round().astype(int)
    head = b"P%d # a comment\n64 8\n%d\n" % ((2 if plain else 5) + (channels == 3), most)
    if plain:
        body = b"# another 1 2 3\n" + b"\n".join(b" ".join(b"%d" % value for value in line.ravel()) for line in values)
    else:
        body = values.astype(">u2" if most > 255 else "u1").tobytes()
    assert np.abs(pixels(head + body) - values / most * 255).max() <= 0.51


def test_netpbm_bits_and_floats():
    bits = (RAMP > 0.5).astype(np.uint8)
    for file in (b"P4 64 8\n" + np.packbits(bits, axis=1).tobytes(), b"P1 64 8\n" + b"".join(b"%d" % bit for bit in bits.ravel())):
        assert np.array_equal(pixels(file)[:, :, 0], 255 - 255 * bits)  # 1 is ink
    for letters, values in ((b"Pf", RAMP[:, :, None]), (b"PF", COLOURS)):
        for scale, kind in ((b"-1.0", "<f4"), (b"1.0", ">f4")):
            file = letters + b"\n64 8\n" + scale + b"\n" + values[::-1].astype(kind).tobytes()
            assert np.abs(pixels(file) - values * 255).max() <= 0.51


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Image.fromarray(np.array([[0, 257 * 100, 65535]], np.uint16)), [0, 100, 255]),
        (Image.fromarray(np.array([[-5, 256, 70_000]], np.int32)), [0, 1, 255]),
        (Image.fromarray(np.array([[np.nan, 0.5, np.inf]], np.float32)), [0, 128, 255]),
    ],
    ids=["I;16", "I", "F"],
)
def test_modes_without_a_fixed_white(picture, expected):
    assert pixels(picture)[0, :, 0].tolist() == expected


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"])
def test_every_mode_of_pil(mode):
    colour = Image.new("RGB", (5, 4), (200, 40, 90))
    if mode == "LAB":
        picture, expected = Image.new("LAB", (5, 4), (255, 128, 128)), [255, 255, 255]
    elif mode in ("La", "RGBa"):
        plain = Image.new("LA" if mode == "La" else "RGBA", (5, 4), (0, 128) if mode == "La" else (0, 0, 0, 128))
        picture, expected = plain.convert(mode), [127] * 3
    elif mode == "PA":
        picture, expected = Image.new("RGBA", (5, 4), (255, 0, 0, 0)).convert("PA"), [255, 255, 255]
    else:
        picture = colour.convert(mode)
        expected = np.asarray(picture.convert("RGB"))
    opened = open_picture(picture)
    assert opened.mode == "RGB"
    assert np.abs(np.asarray(opened).astype(int) - expected).max() <= 1


# --- transparency --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_transparent_grey_of_any_depth(depth):
    values = np.array([[0, 1, 1, 0]])
    file = png(values, depth, chunk(b"tRNS", struct.pack(">H", 1)))
    other = 0
    assert pixels(file)[0, :, 0].tolist() == [other, 255, 255, other]


def test_a_transparent_colour_of_16_bits_is_only_that_colour():
    near, key = (0x1234, 0x5678, 0x9ABD), (0x1234, 0x5678, 0x9ABC)  # of one colour in 8 bits
    file = png(np.array([[near, key]]), 16, chunk(b"tRNS", struct.pack(">3H", *key)))
    assert pixels(file)[0].tolist() == [[0x12, 0x56, 0x9A], [255, 255, 255]]
    assert kinds(file) == ["transparency"]
    grey = png(np.array([[1000, 1001, 40000]]), 16, chunk(b"tRNS", struct.pack(">H", 1000)))
    assert pixels(grey)[0, :, 0].tolist() == [255, 4, 156]


def test_opaque_pictures_with_an_alpha_channel_say_nothing():
    assert kinds(encoded(photograph(mode="RGBA"), "PNG")) == []


# --- idempotence ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("turn", [2, 3, 5, 6, 8])
def test_a_picture_is_turned_once(kind, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    file = encoded(photograph(), kind, exif=exif)
    once = read_picture(file)
    assert [note.kind for note in once.notes] == ["turned"]
    plain = encoded(photograph(), kind)
    upright = Image.new("RGB", photograph().size)
    upright.paste(open_picture(plain))
    upright.getexif()[0x0112] = turn
    assert np.array_equal(pixels(file), np.asarray(ImageOps.exif_transpose(upright)).astype(int))
    loaded, lazy = Image.open(io.BytesIO(file)), Image.open(io.BytesIO(file))
    loaded.load()
    for again in (
        once.image,
        np.asarray(once.image),
        lazy,
        loaded,
        open_picture(lazy),
        ImageOps.exif_transpose(Image.open(io.BytesIO(file))),
    ):
        assert np.array_equal(pixels(again), np.asarray(once.image).astype(int))
    assert read_picture(once.image).notes == ()
    assert not once.image.info
    assert not once.image.getexif()


def test_a_picture_that_its_owner_opened_stays_as_it_was():
    file = encoded(photograph(mode="RGBA"), "PNG")
    lazy = Image.open(io.BytesIO(file))
    before = open_picture(lazy)
    assert np.array_equal(np.asarray(lazy), np.asarray(Image.open(io.BytesIO(file))))  # can still be decoded
    assert np.array_equal(np.asarray(open_picture(lazy)), np.asarray(before))
    second = Image.open(io.BytesIO(encoded(photograph(), "GIF", save_all=True, append_images=[photograph(seed=3).rotate(180)])))
    second.seek(1)  # its owner wants the second frame
    assert np.array_equal(pixels(second), np.asarray(second.convert("RGB")).astype(int))


# --- good files, and what is no file -------------------------------------------------------------------------------------

PICTURE = np.asarray(photograph())
LONG = chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(b"a" * 1_500_000)) + chunk(b"zTXt", b"more\0\0" + zlib.compress(bytes(3_000_000)))
GOOD = {
    "long text": png(PICTURE, before=LONG),
    "long text behind": png(PICTURE, after=LONG),
    "a profile of 2 MB": png(PICTURE, before=chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(2_000_000)))),
    "a profile that unpacks to 50 MB": png(PICTURE, before=chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(50_000_000)))),
    "wrong checksums": png(PICTURE, before=chunk(b"tEXt", b"a\0b")[:-4] + b"nope" + chunk(b"gAMA", b"\0\0\xb1\x8f")[:-4] + b"nope"),
    "short chunks": png(PICTURE, before=chunk(b"gAMA", b"\0") + chunk(b"cHRM", b"\0") + chunk(b"sRGB", b"") + chunk(b"pHYs", b"")),
    "unknown chunks": png(PICTURE, before=chunk(b"zzZz", bytes(100_000)) * 3),
    "no IEND": png(PICTURE)[:-12],
    "an animation that makes no sense": png(PICTURE, before=chunk(b"acTL", bytes(8)) + chunk(b"fcTL", bytes(26))),
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.filterwarnings("error")
def test_good_pngs_are_not_called_damaged(name):
    assert np.array_equal(pixels(GOOD[name]), PICTURE.astype(int))


def short(rows, interlaced=False):
    """PICTURE's PNG without the data of its last rows, of all passes together; its compressed stream is whole."""
    lines = [PICTURE[top::down, left::right] for left, top, right, down in ADAM7] if interlaced else [PICTURE]
    data = b"".join(b"\0" + row.tobytes() for part in lines if part.size for row in part)
    header = struct.pack(">IIBBBBB", *PICTURE.shape[1::-1], 8, 2, 0, 0, interlaced)
    left = len(data) - rows * (1 + 3 * PICTURE.shape[1])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data[:left])) + chunk(b"IEND", b"")


ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_that_lacks_rows_is_not_shown_with_black_ones(interlaced):
    assert np.array_equal(pixels(short(0, interlaced)), PICTURE)
    for rows in (1, 2, len(PICTURE) // 2):
        with pytest.raises(UnreadablePicture, match="damaged or incomplete"):
            open_picture(short(rows, interlaced))


def test_a_png_that_is_black_below_is_whole():
    dark = PICTURE.copy()
    dark[-3:] = 0
    assert np.array_equal(pixels(png(dark)), dark)


def test_places_that_a_palette_lacks():
    """They have its last colour, as in Chromium; without a palette there are no colours."""
    values = np.arange(16, dtype=np.uint8)[None] % 8
    two = chunk(b"PLTE", bytes([200, 10, 10, 10, 20, 200]))
    assert np.array_equal(pixels(png(values, 4, two, kind=3))[0, :4], [[200, 10, 10], *3 * [[10, 20, 200]]])
    for palette in (b"", chunk(b"PLTE", b""), chunk(b"PLTE", bytes(4))):
        with pytest.raises(UnreadablePicture, match="damaged or incomplete"):
            open_picture(png(values, 4, palette, kind=3))


def jpeg(**options):
    return encoded(photograph(200, 150), "JPEG", quality=90, **options)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "restart_marker_blocks": 3}], ids=str)
def test_a_jpeg_that_lacks_only_its_end(options):
    whole = jpeg(**options)
    for cut in (whole[:-2], whole[:-1]):
        opened = read_picture(cut)
        assert np.array_equal(np.asarray(opened.image), np.asarray(open_picture(whole)))
        assert opened.notes == (Note("no_end"),)
    for share in (0.4, 0.7, 0.9, 0.99):
        with pytest.raises(UnreadablePicture, match="damaged or incomplete"):
            open_picture(whole[: int(len(whole) * share)])
    with pytest.raises(UnreadablePicture, match="damaged or incomplete"):
        open_picture(whole[:-12])


@pytest.mark.filterwarnings("error")
def test_a_jpeg_with_broken_metadata():
    whole = jpeg()
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0"
    for content in (exif, b"Exif\0\0MM", b"http://ns.adobe.com/xap/1.0/\0<x", b"MPF\0II*\0", b"Photoshop 3.0\0008BIM\4"):
        for marker in (b"\xff\xe1", b"\xff\xe2", b"\xff\xed"):
            segment = marker + struct.pack(">H", len(content) + 2) + content
            assert np.array_equal(pixels(whole[:2] + segment + whole[2:]), pixels(whole))


def test_a_second_picture_or_a_film_behind_a_jpeg():
    whole = jpeg()
    for more in (whole, b"\0\0\0\x18ftypmp42" + bytes(10_000)):
        assert np.array_equal(pixels(whole + more), pixels(whole))
    several = encoded(photograph(200, 150), "MPO", quality=90, save_all=True, append_images=[photograph(50, 50)])
    assert read_picture(several).notes == ()
    assert open_picture(several).size == (200, 150)


def test_long_comments_in_a_gif_are_passed_by():
    comment = b"!\xfe" + (b"\xff" + bytes(255)) * 20_000 + b"\0"
    red = Image.new("P", (20, 20))
    red.putpalette([255, 0, 0] * 256)
    opened = read_picture(gif((20, 20), [(0, 0, red), (0, 0, red), (3, 3, red)], comment))
    assert opened.image.getpixel((5, 5)) == (255, 0, 0)
    assert Note("frames", 3) in opened.notes


@pytest.mark.parametrize("name", ["picture", "picture.txt", "picture.jpg", "Bild mit Umlaut ä.gif"])
def test_a_name_says_nothing(name, tmp_path):
    (tmp_path / name).write_bytes(png(PICTURE))
    assert np.array_equal(pixels(tmp_path / name), PICTURE.astype(int))


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x4f\xff\x51\0\x2f", "JPEG 2000"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (b"8BPS\0\1", "Photoshop"),
        (b"\0\0\1\0\1\0", "icon"),
    ],
)
def test_formats_left_out_are_named(start, words):
    with pytest.raises(UnreadablePicture, match=f"{words}.*Export it as JPEG or PNG"):
        open_picture(start + bytes(100))


def test_run_length_bmps_are_refused_by_name():
    from tests.pictures.corpus import bmp

    for bits, compression, name in ((8, 1, "RLE8"), (4, 2, "RLE4")):
        with pytest.raises(UnreadablePicture, match=f"{name}.*Export"):
            open_picture(bmp(bits, bytes(100), palette=bytes(64), compression=compression))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs and sockets")
def test_only_regular_files_are_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as held:
        monkeypatch.chdir(tmp_path)  # the names of sockets are short
        held.bind("socket")
        for path in (tmp_path / "pipe", tmp_path / "socket", tmp_path, "/dev/zero", "/dev/stdin"):
            with pytest.raises(UnreadablePicture, match="not a readable file"):
                open_picture(path)


def test_files_that_cannot_be_sought():
    class Stream(io.RawIOBase):
        def __init__(self):
            self.content = io.BytesIO(png(PICTURE))

        def readable(self):
            return True

        def readinto(self, buffer):
            return self.content.readinto(buffer)

    assert np.array_equal(pixels(Stream()), PICTURE.astype(int))
    with pytest.raises(UnreadablePicture, match="binary file"):
        open_picture(io.StringIO("text"))


def test_a_large_jpeg_may_be_decoded_smaller():
    file = encoded(photograph(800, 600), "JPEG")
    assert open_picture(file, least=100).size == (200, 150)
    assert open_picture(file, least=1000).size == (800, 600)


def test_every_note_is_a_sentence():
    from cvt.pictures.common.notes import SENTENCES

    for kind in SENTENCES:
        sentence = note_sentence(Note(kind, 4, "Display P3"))
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "{" not in sentence
