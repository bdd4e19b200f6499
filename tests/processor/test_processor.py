import io
import json
import random
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from cvt import CvtImageProcessor, UnreadablePicture, open_picture
from cvt.pictures import FORMATS, MAX_ASPECT, MAX_PIXELS

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def photograph(width=40, height=30, mode="RGB", seed=0):
    """A smooth picture with a little noise: like a photograph for codecs, and different in every corner."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    noise = np.random.default_rng(seed).normal(0, 4, (height, width))
    red, green, blue = 255 * x / max(width - 1, 1), 255 * y / max(height - 1, 1), 127 + 100 * np.sin(x / 5 + y / 9)
    values = np.stack([red, green, blue], axis=2) + noise[:, :, None]
    return Image.fromarray(values.clip(0, 255).astype(np.uint8)).convert(mode)


def encoded(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def difference(first, second):
    return int(np.abs(np.asarray(first, dtype=int) - np.asarray(second, dtype=int)).max())


def png(width, height, depth, color, rows=b""):
    """A PNG whose header says what we like."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


# --- pictures that come out right ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "JPEG", "AVIF", "PPM"])
def test_formats(kind):
    picture = photograph()
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}, "AVIF": {"quality": 100}}
    opened = open_picture(encoded(picture, kind, **lossless.get(kind, {})))
    assert (opened.mode, opened.size) == ("RGB", (40, 30))
    assert difference(opened, picture) <= (30 if kind in ("JPEG", "AVIF") else 0)


def test_kinds_of_source(tmp_path):
    picture = photograph()
    path = tmp_path / "picture.png"
    picture.save(path)
    array = np.asarray(picture)
    sources = [path, str(path), path.read_bytes(), bytearray(path.read_bytes()), io.BytesIO(path.read_bytes()), picture]
    sources += [array, array.astype(np.int64), array / 255, (array / 255).astype(np.float32)]
    sources += [array.transpose(2, 0, 1), torch.from_numpy(array.copy()), torch.from_numpy(array / 255).permute(2, 0, 1)]
    sources += [torch.from_numpy(array / 255).requires_grad_()]
    for source in sources:
        assert difference(open_picture(source), picture) == 0
    assert difference(open_picture(torch.from_numpy(array / 255).bfloat16()), picture) <= 1
    grey = array[:, :, 0]
    for source in (grey, grey[:, :, None], grey[None]):
        assert difference(open_picture(source), Image.fromarray(grey).convert("RGB")) == 0
    assert difference(open_picture(grey > 100), Image.fromarray((grey > 100) * np.uint8(255)).convert("RGB")) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(orientation):
    upright = photograph()
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("PNG", "JPEG", "WEBP"):
        options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
        opened = open_picture(encoded(stored, kind, exif=exif, **options))
        assert opened.size == upright.size
        assert difference(opened, upright) <= (30 if kind == "JPEG" else 0)


def test_damaged_exif_does_not_matter():
    picture = photograph()
    opened = open_picture(encoded(picture, "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\x01"))
    assert difference(opened, picture) == 0


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled(kind):
    values = np.linspace(0, 65535, 40 * 30).reshape(30, 40).astype(np.uint16)
    opened = open_picture(encoded(Image.fromarray(values), kind))
    assert difference(opened.getchannel("R"), np.round(values / 257)) == 0
    assert len(np.unique(np.asarray(opened))) == 256  # and not clipped to white


def test_16_bit_colour_is_scaled():
    values = (np.asarray(photograph()).astype(np.uint16) * 257).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    assert difference(open_picture(png(40, 30, 16, 2, rows)), photograph()) <= 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),  # shares
        (np.array([[-10.0, 1.0000002, 255.0]], np.float32), [0, 255, 255]),  # clipped, whatever the largest is
        (np.array([[0.2, 0.4, 0.5]], np.float32), [51, 102, 128]),
        (np.array([[np.nan, np.inf, -np.inf]], np.float32), [0, 255, 0]),
        (np.array([[0, 1 << 30, (1 << 31) - 1]], np.int32), [0, 128, 255]),  # the type's own range
        (np.array([[-5, 255, 256]], np.int32), [0, 0, 0]),
    ],
)
def test_floats_and_32_bit(values, expected):
    opened = open_picture(encoded(Image.fromarray(values), "TIFF"))
    assert np.asarray(opened)[0, :, 0].tolist() == expected


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("WEBP", "RGBA"), ("PNG", "LA"), ("PNG", "P")])
def test_transparency_lies_over_white(kind, mode):
    picture = photograph(mode="RGBA")
    picture.putalpha(Image.fromarray(np.repeat(np.uint8([[0] * 20 + [255] * 20]), 30, axis=0)))  # left half hidden
    if mode != "RGBA":
        picture = picture.convert(mode)
    opened = open_picture(encoded(picture, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert opened.mode == "RGB"
    assert np.asarray(opened)[:, :20].min() == 255  # no colour that was hidden shows
    assert difference(np.asarray(opened)[:, 20:], np.asarray(picture.convert("RGBA").convert("RGB"))[:, 20:]) == 0


def test_half_transparency_is_half_white():
    opened = open_picture(encoded(Image.new("RGBA", (4, 4), (0, 100, 200, 128)), "PNG"))
    assert difference(opened, np.full((4, 4, 3), [127, 177, 227])) <= 1


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_colour(kind):
    picture = Image.fromarray(np.uint8([[0, 50, 100]]))
    assert np.asarray(open_picture(encoded(picture, kind, transparency=50)))[0, :, 0].tolist() == [0, 255, 100]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_an_animation_is_its_first_frame(kind):
    frames = [photograph(mode="L"), photograph(mode="L").transpose(Image.Transpose.ROTATE_180)]
    options = {"lossless": True} if kind == "WEBP" else {}
    opened = open_picture(encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options))
    assert difference(opened, frames[0].convert("RGB")) == 0


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *[("PNG", mode) for mode in ("1", "L", "P", "LA")],
        *[("JPEG", mode) for mode in ("L", "CMYK")],
        ("TIFF", "CMYK"),
        ("GIF", "L"),
        ("BMP", "1"),
    ],
)
def test_grey_palette_and_print_colours(kind, mode):
    picture = photograph(mode=mode)
    opened = open_picture(encoded(picture, kind, **({"quality": 95} if kind == "JPEG" else {})))
    assert opened.mode == "RGB"
    assert difference(opened, picture.convert("RGB")) <= (12 if kind == "JPEG" else 0)


def test_a_single_pixel():
    assert CvtImageProcessor(size=32)(Image.new("RGB", (1, 1), "red"), "np")["pixel_values"].shape == (1, 3, 32, 32)


def test_an_rgb_picture_is_not_copied():
    picture = photograph()
    assert open_picture(picture) is picture


# --- pictures that cannot be used ----------------------------------------------------------------------------------------


def truncated(kind):
    whole = encoded(photograph(200, 150), kind)
    return whole[: len(whole) * 2 // 3]


UNUSABLE = {
    "empty": (b"", "empty"),
    "text": (b"this is not a picture" * 20, "not a picture"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>', "SVG"),
    "svg with a heading": (b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg width="10"/>', "SVG"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500), "HEIC"),
    "pdf": (b"%PDF-1.7\n" + bytes(500), "not a picture"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a picture"),
    "html": (b"<!doctype html><title>404</title>", "not a picture"),
    "zip": (b"PK\3\4" + bytes(100), "not a picture"),
    **{f"truncated {kind}": (truncated(kind), "damaged or incomplete") for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")},
    "truncated in its header": (encoded(photograph(), "PNG")[:20], "damaged or incomplete"),
    "20k": (png(20_000, 20_000, 8, 0), "50 million"),
    "13k": (png(13_000, 13_000, 8, 0), "50 million"),
    "no pixels": (png(0, 10, 8, 0), "no pixels"),
    "long": (png(40_000, 10, 8, 0), "50 times"),
}


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.filterwarnings("error")  # Pillow warns of some before we refuse them
def test_what_cannot_be_used_is_one_sentence(name, tmp_path):
    content, words = UNUSABLE[name]
    path = tmp_path / "upload"
    path.write_bytes(content)
    for source in (content, io.BytesIO(content), path):
        with pytest.raises(UnreadablePicture) as caught:
            open_picture(source)
        message = str(caught.value)
        assert words in message
        assert message.endswith(".")
        assert message.count("\n") == 0
        assert str(tmp_path) not in message


def test_a_truncated_pil_image():
    lazy = Image.open(io.BytesIO(truncated("PNG")))
    with pytest.raises(UnreadablePicture, match="damaged or incomplete"):
        open_picture(lazy)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(UnreadablePicture, match=r"no file named 'absent.png'"):
        open_picture(tmp_path / "absent.png")
    with pytest.raises(UnreadablePicture, match="not a readable file"):
        open_picture(tmp_path)
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(UnreadablePicture, match="not a valid file name"):
            open_picture(name)
    for thing in (None, 3, ["a"]):
        with pytest.raises(UnreadablePicture, match="must be a path"):
            open_picture(thing)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3, 4, 3), np.uint8),
        np.zeros((5, 5, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        np.full((4, 4, 3), 256),
        np.full((4, 4, 3), -1),
        np.full((4, 4, 3), 1.5),
        np.full((4, 4, 3), np.nan),
        np.full((4, 4), "a"),
        np.zeros((1, 51, 3), np.uint8),
    ],
    ids=lambda array: f"{array.shape} {array.dtype}",
)
def test_arrays_that_are_no_picture(array):
    with pytest.raises(UnreadablePicture):
        open_picture(array)


@pytest.mark.parametrize("name", ["13k", "20k", "long"])
def test_bounds_are_kept_before_anything_is_decoded(name, monkeypatch):
    def decoded(*args, **kwargs):
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    monkeypatch.setattr(ImageFile.ImageFile, "load_prepare", decoded)
    with pytest.raises(UnreadablePicture):
        open_picture(UNUSABLE[name][0])


def giant_webp():
    """An animation of 16383×16383 whose only frame has 8×8 pixels: 140 bytes."""

    def chunk(kind, content):
        return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)

    def three(value):
        return struct.pack("<I", value)[:3]

    frame = encoded(Image.new("RGB", (8, 8), "red"), "WEBP", lossless=True)[12:]
    place = three(0) + three(0) + three(7) + three(7) + three(100) + b"\0"
    body = chunk(b"VP8X", b"\2\0\0\0" + three(16382) * 2) + chunk(b"ANIM", bytes(6)) + chunk(b"ANMF", place + frame)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def tiled_tiff():
    """A TIFF of 16×16 pixels that says its only tile has 60000×60000."""
    content = zlib.compress(bytes(256))
    tags = [(256, 16), (257, 16), (258, 8), (259, 8), (262, 1), (277, 1), (322, 60_000), (323, 60_000), (324, 8), (325, len(content))]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(content)) + content + directory


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_bounds_keep_memory_low(tmp_path):
    """The 13,000×13,000 PNG of half a megabyte that takes 1.7 GB where it is decoded, and two worse ones, in a fresh process."""
    rows = (b"\0" + bytes(13_000)) * 13_000
    for name, content in {"a": png(13_000, 13_000, 8, 0, rows), "b": giant_webp(), "c": tiled_tiff()}.items():
        (tmp_path / name).write_bytes(content)
    program = (
        "import sys, resource; from cvt.pictures import open_picture, UnreadablePicture\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for path in sys.argv[1:]:\n"
        "    try: open_picture(path)\n"
        "    except UnreadablePicture as error: assert '50 million' in str(error), error\n"
        "    else: raise SystemExit('was opened')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    paths = [str(tmp_path / name) for name in "abc"]
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", program, *paths], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 20_000  # kB


def test_the_largest_that_is_allowed_is_opened():
    side = int(MAX_PIXELS**0.5)
    rows = (b"\0" + bytes(side // 8 + 1)) * side
    assert open_picture(png(side, side, 1, 0, rows)).size == (side, side)
    assert open_picture(Image.new("RGB", (MAX_ASPECT, 1))).size == (MAX_ASPECT, 1)


def test_any_damage_is_a_picture_or_a_sentence():
    """Files with bytes changed, lost or doubled never raise anything else."""
    dice = random.Random(0)
    outcomes = {"opened": 0, "refused": 0}
    for kind in FORMATS:
        whole = encoded(photograph(), kind, **({"save_all": True, "append_images": [photograph()]} if kind == "MPO" else {}))
        for _ in range(60):
            damaged = bytearray(whole)
            for _ in range(dice.choice([1, 1, 3, 10])):
                place = dice.randrange(min(len(damaged), dice.choice([40, 400, 10_000])))
                how = dice.random()
                if how < 0.7:
                    damaged[place] = dice.randrange(256)
                elif how < 0.85:
                    del damaged[place : place + dice.randrange(1, 20)]
                else:
                    damaged[place:place] = damaged[: dice.randrange(1, 20)]
            try:
                assert open_picture(bytes(damaged)).mode == "RGB"
                outcomes["opened"] += 1
            except UnreadablePicture:
                outcomes["refused"] += 1
    assert min(outcomes.values()) > 50


# --- the processor -------------------------------------------------------------------------------------------------------

SIZES = [(1, 1), (7, 3), (30, 30), (96, 64), (224, 224), (256, 256), (257, 256), (255, 300), (333, 500), (641, 480), (37, 901), (1024, 60)]


@pytest.fixture(scope="module")
def their_processor():
    transformers = pytest.importorskip("transformers")

    def build(**settings):
        return transformers.AutoImageProcessor.from_pretrained(_folder(settings), backend="pil")

    import tempfile

    holder = tempfile.TemporaryDirectory()

    def _folder(settings):
        with open(f"{holder.name}/preprocessor_config.json", "w") as file:
            json.dump({"image_processor_type": "ConvNextImageProcessor", **settings}, file)
        return holder.name

    yield build
    holder.cleanup()


@pytest.mark.parametrize(
    "settings",
    [
        {"size": 224, "crop_pct": 0.875, "resample": 3, "image_mean": MEAN, "image_std": STD},
        {"size": 384, "crop_pct": 0.875, "resample": 3, "image_mean": MEAN, "image_std": STD},
        {"size": {"shortest_edge": 96}, "crop_pct": 0.9, "resample": 2},
        {"size": 383, "crop_pct": 0.95},
        {"size": 64, "do_normalize": False},
        {"size": 64, "do_rescale": False, "image_mean": 100.0, "image_std": 50.0},
        {"size": 64, "rescale_factor": 1 / 127.5},
    ],
    ids=str,
)
def test_equal_to_transformers_on_pillow(settings, their_processor):
    theirs, ours = their_processor(**settings), CvtImageProcessor.from_dict(settings)
    assert type(theirs).__name__ == "ConvNextImageProcessorPil"
    for seed, (width, height) in enumerate(SIZES):
        picture = photograph(width, height, seed=seed)
        expected = theirs(picture, return_tensors="pt")["pixel_values"]
        got = ours(picture, return_tensors="pt")["pixel_values"]
        assert got.dtype == expected.dtype
        assert torch.equal(got, expected), (width, height)


def test_their_defaults_are_ours(their_processor):
    theirs, ours = their_processor(), CvtImageProcessor()
    assert torch.equal(ours(photograph(), "pt").pixel_values, theirs(photograph(), return_tensors="pt").pixel_values)


def test_batches_and_return_types():
    processor = CvtImageProcessor(size=32)
    pictures = [photograph(50, 40), np.asarray(photograph(33, 70)), encoded(photograph(90, 31), "PNG")]
    batch = processor(pictures, return_tensors="pt")
    assert batch["pixel_values"].shape == (3, 3, 32, 32)
    assert batch.pixel_values.dtype == torch.float32
    for index, picture in enumerate(pictures):
        assert torch.equal(processor(images=picture, return_tensors="pt").pixel_values[0], batch.pixel_values[index])
    assert [each.shape for each in processor(pictures).pixel_values] == [(3, 32, 32)] * 3
    assert isinstance(processor(pictures, return_tensors="np").pixel_values, np.ndarray)
    assert torch.equal(processor.preprocess(pictures, return_tensors="pt").pixel_values, batch.pixel_values)
    several = np.stack([np.asarray(photograph(seed=seed)) for seed in range(4)])
    assert processor(several, "pt").pixel_values.shape == (4, 3, 32, 32)
    assert batch.to(torch.float16).pixel_values.dtype == torch.float16
    assert batch.to("cpu", torch.float64).pixel_values.dtype == torch.float64
    with pytest.raises(AttributeError):
        batch.labels  # noqa: B018
    with pytest.raises(ValueError, match="'tf'"):
        processor(pictures, return_tensors="tf")
    with pytest.raises(ValueError, match="one size"):
        processor(pictures, return_tensors="pt", do_resize=False)
    with pytest.raises(ValueError, match="at least one"):
        processor([], return_tensors="pt")


def test_settings_of_one_call():
    processor = CvtImageProcessor(size=32)
    assert processor(photograph(), "pt", size=48).pixel_values.shape == (1, 3, 48, 48)
    assert processor(photograph(), "pt", do_resize=False).pixel_values.shape == (1, 3, 30, 40)
    assert processor.side == 32
    with pytest.raises(TypeError):
        processor(photograph(), sise=48)


def test_size_as_number_or_dict():
    for size in (224, {"shortest_edge": 224}, {"height": 224, "width": 224}):
        assert CvtImageProcessor(size=size).side == 224
        assert CvtImageProcessor(size=size).size == {"shortest_edge": 224}


@pytest.mark.parametrize(
    "settings",
    [
        {"size": 0},
        {"size": "224"},
        {"size": {"height": 10, "width": 20}},
        {"size": {"longest_edge": 10}},
        {"crop_pct": 0},
        {"crop_pct": 1.1},
        {"image_mean": (0.5, 0.5)},
        {"image_std": (0.5, 0, 0.5)},
        {"resample": 9},
        {"size": {"shortest_edge": [224]}},
        {"size": True},
        {"size": 100_000},
        {"size": 224, "crop_pct": 0.01},
        {"crop_pct": "0.9"},
        {"crop_pct": float("nan")},
        {"image_mean": "abc"},
        {"image_std": (0.5, float("nan"), 0.5)},
        {"resample": "bicubic"},
        {"rescale_factor": "1/255"},
        {"rescale_factor": None},
        {"image_mean": None},
        {"do_resize": "no"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_used(settings):
    with pytest.raises(ValueError, match=list(settings)[-1]):
        CvtImageProcessor(**settings)


def test_numbers_of_other_libraries_are_numbers(tmp_path):
    settings = {"size": np.int64(32), "crop_pct": np.float32(0.5), "rescale_factor": np.float32(0.25)}
    processor = CvtImageProcessor(**settings, image_mean=np.array([0.25, 0.5, 0.75]), image_std=np.float32(0.5))
    assert processor == CvtImageProcessor(size=32, crop_pct=0.5, rescale_factor=0.25, image_mean=(0.25, 0.5, 0.75), image_std=0.5)
    processor.save_pretrained(tmp_path)
    assert CvtImageProcessor.from_pretrained(tmp_path).to_dict() == processor.to_dict()
    assert CvtImageProcessor(size={"shortest_edge": 32.0}).side == 32


@pytest.mark.parametrize(
    "settings",
    [{"do_normalize": None}, {"do_normalize": False, "image_mean": None, "image_std": None}, {"do_rescale": None, "rescale_factor": None}],
    ids=str,
)
def test_null_is_off(settings, their_processor):
    expected = their_processor(size=64, **settings)(photograph(), return_tensors="pt").pixel_values
    assert torch.equal(CvtImageProcessor.from_dict({"size": 64, **settings})(photograph(), "pt").pixel_values, expected)
    assert CvtImageProcessor(size=64, crop_pct=None) == CvtImageProcessor(size=64)


def test_another_kind_of_processor_is_refused():
    for kind in ("ViTImageProcessor", 5):
        with pytest.raises(ValueError, match=str(kind)):
            CvtImageProcessor.from_dict({"image_processor_type": kind, "size": 224})


def test_round_trip_keeps_what_is_not_known(tmp_path):
    published = {
        "feature_extractor_type": "ConvNextFeatureExtractor",
        "crop_pct": 0.875,
        "size": 224,
        "image_mean": list(MEAN),
        "note": [1],
    }
    processor = CvtImageProcessor.from_dict(published)
    processor.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert saved["note"] == [1]
    assert saved["size"] == {"shortest_edge": 224}
    assert CvtImageProcessor.from_pretrained(tmp_path).to_dict() == processor.to_dict()
