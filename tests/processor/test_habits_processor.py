"""What Hugging Face's users do with an image processor, and what they get: the same as from transformers, or a sentence."""

import copy
import io
import itertools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassFieldValidationError
from PIL import Image, ImageCms

from cvt import AutoImageProcessor, BatchFeature, CvtImageProcessor, UnreadablePicture, open_picture
from tests.helpers import tiny_model
from tests.processor.test_processor import encoded, photograph
from visualize.explore import explore

transformers = pytest.importorskip("transformers")
SETTINGS = {"size": 16, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.25, 0.3]}
PICTURE = photograph(41, 30)
PIXELS = np.asarray(PICTURE)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """transformers' processor on Pillow, of SETTINGS."""
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": "ConvNextImageProcessor", **SETTINGS}))
    return transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")


@pytest.fixture
def ours():
    return CvtImageProcessor(**SETTINGS)


def values(processor, images, **settings):
    return np.asarray(processor(images, return_tensors="np", **settings).pixel_values)


# --- numbers -------------------------------------------------------------------------------------------------------------

NOISE = np.random.default_rng(0).random(PIXELS.shape)
KINDS = {
    "uint8": PIXELS,
    "int32": PIXELS.astype(np.int32),
    "float32 of 0..1": (PIXELS / 255).astype(np.float32),
    "float32 between levels": NOISE.astype(np.float32),
    "float64 of 0..1": NOISE,
    "float32 of 0..255": PIXELS.astype(np.float32),
    "float64 of 0..255": PIXELS.astype(np.float64),
}
STEPS = ("do_resize", "do_rescale", "do_normalize")
SWITCHES = [dict(zip(STEPS, each, strict=True)) for each in itertools.product((True, False), repeat=3)]


def forms(array):
    """The same picture in every layout, of NumPy and PyTorch."""
    for pixels in (array, array.transpose(2, 0, 1)):
        yield pixels
        yield torch.from_numpy(pixels.copy())


@pytest.mark.parametrize("switches", SWITCHES, ids=lambda each: "+".join(name for name in STEPS if each[name]) or "nothing")
@pytest.mark.parametrize("kind", KINDS)
def test_arrays_give_the_same_numbers(kind, switches, ours, theirs):
    """But for floats of 0..1 with do_rescale, which transformers divides by 255 a second time: here they are the picture."""
    array = KINDS[kind]
    if switches["do_rescale"] and array.max() <= 1:
        undone = switches | {"do_rescale": False}
        expected = values(theirs, array.astype(np.float32), **undone)  # rescaled already, and in float32 as any rescaled picture
        if switches["do_resize"]:  # by way of 8 bits, which are scaled once
            eight = (array.astype(np.float64) * 255).astype(np.float32).astype(np.uint8)
            expected = values(theirs, eight, **switches)
    else:
        expected = values(theirs, array, **switches)
    for form in forms(array):
        got = values(ours, form, **switches)
        assert got.dtype == np.float32  # always: models take floats
        assert np.array_equal(got, expected.astype(np.float32))


def test_the_documented_idiom_for_floats(ours):
    """0..1 and do_rescale=False: as the picture itself."""
    assert np.array_equal(values(ours, PIXELS / 255, do_rescale=False), values(ours, PICTURE))
    assert np.array_equal(values(ours, PIXELS / 255), values(ours, PICTURE))


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_pictures_of_pillow_give_the_same_numbers(switches, ours, theirs):
    assert np.array_equal(values(ours, PICTURE, **switches), values(theirs, PICTURE, **switches).astype(np.float32))


def test_booleans_are_black_and_white(ours):
    """transformers takes True for 1 of 255, nearly black."""
    shape = PIXELS > 100
    assert np.array_equal(values(ours, shape), values(ours, shape * np.uint8(255)))
    assert np.array_equal(values(ours, shape, do_rescale=False), values(ours, shape * np.uint8(255)))
    raw = values(ours, shape, do_resize=False, do_rescale=False, do_normalize=False)[0]
    assert np.array_equal(raw, shape.transpose(2, 0, 1))


def test_arrays_that_are_not_resized_keep_their_precision(ours, theirs):
    for array in (PIXELS.astype(np.uint16) * 200, NOISE * 3 - 1, PIXELS.astype(np.int64) - 500):
        got = values(ours, array, do_resize=False)
        assert np.array_equal(got, values(theirs, array, do_resize=False).astype(np.float32))


def test_one_dark_picture_of_a_batch_is_not_taken_for_another_scale(ours):
    batch = np.stack([np.zeros_like(PIXELS), PIXELS]).astype(np.float32)
    batch[0, :2] = 1  # of 255
    assert np.array_equal(values(ours, batch), values(ours, batch.astype(np.uint8)))


def test_half_precision_tensors(ours):
    """Within the levels that rounding to so few digits costs, and cutting down to 8 bits one more."""
    level = 1 / 255 / min(SETTINGS["image_std"])
    for dtype, levels in ((torch.float16, 2), (torch.bfloat16, 3)):
        got = values(ours, torch.from_numpy(PIXELS / 255).to(dtype), do_rescale=False)
        assert np.abs(got - values(ours, PICTURE)).max() < (levels + 0.1) * level


WITHOUT_MEANING = {
    "above 1": NOISE * 2,
    "below 0": NOISE - 0.5,
    "above 255": PIXELS.astype(np.int32) * 2,
    "between whole numbers": PIXELS + 0.5,
    "NaN": np.full((5, 5, 3), np.nan),
    "two channels": np.full((5, 5, 2), 1),
    "five axes": np.ones((1, 1, 2, 3, 3)),
    "text": np.full((5, 5, 3), "a"),
}


@pytest.mark.parametrize("array", WITHOUT_MEANING.values(), ids=WITHOUT_MEANING)
def test_arrays_without_a_meaning_are_refused(array, ours):
    with pytest.raises(UnreadablePicture, match=r"array.*\.$"):
        ours(array)


# --- settings ------------------------------------------------------------------------------------------------------------

RGBA = np.dstack([PIXELS, 255 - PIXELS[:, :, :1]])
FOUR = {"image_mean": [0.1, 0.2, 0.3, 0.4], "image_std": [0.5, 0.6, 0.7, 0.8]}
SAME = {  # a call of both
    "size": (PICTURE, {"size": 24}),
    "size in a dict": (PICTURE, {"size": {"shortest_edge": 24}}),
    "a longest edge, which ConvNext ignores": (PICTURE, {"size": {"shortest_edge": 24, "longest_edge": 30}}),
    "full resolution": (PICTURE, {"size": 384}),
    "crop_pct": (PICTURE, {"crop_pct": 0.9}),
    "resample": (PICTURE, {"resample": Image.Resampling.NEAREST}),
    "their number of a filter": (PICTURE, {"resample": transformers.image_utils.PILImageResampling.BILINEAR}),
    "rescale_factor": (PICTURE, {"rescale_factor": 1 / 127.5}),
    "one mean": (PICTURE, {"image_mean": 0.3, "image_std": 0.7}),
    "means in a tuple": (PICTURE, {"image_mean": (0.1, 0.2, 0.3)}),
    "None is off": (PICTURE, {"do_resize": None}),
    "no step": (PICTURE, {"do_resize": False, "do_rescale": False, "do_normalize": False}),
    "crop": (PICTURE, {"do_center_crop": True, "crop_size": 11}),
    "crop in a dict": (PICTURE, {"do_center_crop": True, "crop_size": {"height": 9, "width": 14}}),
    "crop beyond the picture": (PICTURE, {"do_center_crop": True, "crop_size": {"height": 23, "width": 10}}),
    "crop of an array as it is": (PIXELS, {"do_resize": False, "do_center_crop": True, "crop_size": {"height": 35, "width": 20}}),
    "crop of a float array as it is": (NOISE, {"do_resize": False, "do_rescale": False, "do_center_crop": True, "crop_size": 33}),
    "crop_size alone": (PICTURE, {"crop_size": 11}),
    "channels first": (PIXELS.transpose(2, 0, 1), {"input_data_format": "channels_first"}),
    "channels last": (PIXELS, {"input_data_format": transformers.image_utils.ChannelDimension.LAST}),
    "three rows that are no channels": (PIXELS[:3], {"input_data_format": "channels_last"}),
    "ambiguous": (PIXELS[:3, :, :], {}),
    "four channels": (RGBA, FOUR),
    "four channels first": (RGBA.transpose(2, 0, 1), FOUR),
    "four channels as they are": (RGBA, {"do_convert_rgb": False, "image_mean": 0.5, "image_std": 0.5}),
    "four channels not resized": (RGBA / 255, {**FOUR, "do_resize": False, "do_rescale": False}),
    "four channels and one mean": (RGBA, {"image_mean": 0.0, "image_std": 1.0, "input_data_format": "channels_last"}),
    "a grey picture and one mean": (PICTURE.convert("L"), {"image_mean": 0.5, "image_std": 0.25}),
    "a picture with transparency": (Image.fromarray(RGBA), FOUR),
    "one channel": (PIXELS[:, :, :1], {"image_mean": [0.5], "image_std": [0.5]}),
    "a grey picture": (PICTURE.convert("L"), {"image_mean": [0.5], "image_std": [0.5]}),
    "grey to RGB": (PICTURE.convert("L"), {"do_convert_rgb": True}),
    "a list": ([PICTURE, photograph(33, 50)], {}),
    "a tuple": ((PICTURE, PIXELS), {}),
    "a nested list": ([[PICTURE, photograph(33, 50)], [PIXELS]], {}),
    "a batch": (np.stack([PIXELS, PIXELS[::-1]]), {}),
    "a batch of tensors": (torch.from_numpy(np.stack([PIXELS, PIXELS[::-1]])), {}),
    "a list of batches": ([np.stack([PIXELS, PIXELS[::-1]]), PIXELS[None]], {}),
    "what means nothing": (PICTURE, {"do_pad": True, "pad_size": 50, "disable_grouping": True, "device": "cpu", "image_seq_length": 3}),
}


@pytest.mark.parametrize("name", SAME)
def test_a_call_as_of_theirs(name, ours, theirs):
    images, settings = SAME[name]
    expected = values(theirs, images, **settings).astype(np.float32)
    got = values(ours, images, **settings)
    assert got.shape == expected.shape
    assert np.array_equal(got, expected)


def test_transparency_lies_over_white_as_where_they_convert_to_rgb(ours, theirs):
    """Rounded once there and once here: at most one level apart."""
    level = 1 / 255 / min(SETTINGS["image_std"])
    expected = values(theirs, Image.fromarray(RGBA), do_convert_rgb=True, do_resize=False)
    for images in (Image.fromarray(RGBA), RGBA):
        assert np.abs(values(ours, images, do_resize=False) - expected).max() < 1.01 * level
    assert np.abs(values(ours, RGBA / 255, do_resize=False, do_rescale=False) - expected).max() < 1.01 * level


def test_what_transformers_refuses_and_has_a_meaning(ours):
    expected = values(ours, PICTURE)
    content = encoded(PICTURE, "PNG")
    for images in ((each for each in [PICTURE]), [content], io.BytesIO(content), iter([[PICTURE]]), torch.from_numpy(PIXELS.copy())[None]):
        assert np.array_equal(values(ours, images), expected)
    grey = PIXELS[:, :, 0]
    assert np.array_equal(values(ours, grey), values(ours, Image.fromarray(grey).convert("RGB")))
    assert np.array_equal(values(ours, PICTURE, size=(24, 24)), values(ours, PICTURE, size={"height": 24, "width": 24}))


def test_where_the_channels_go(ours):
    """As documented; transformers 5 takes the argument and ignores it."""
    expected = values(ours, PICTURE)
    assert np.array_equal(values(ours, PICTURE, data_format="channels_last"), expected.transpose(0, 2, 3, 1))
    last = transformers.image_utils.ChannelDimension.LAST
    assert ours(PICTURE, "pt", data_format=last).pixel_values.shape == (1, 16, 16, 3)
    assert np.array_equal(CvtImageProcessor(**SETTINGS, data_format=last)(PICTURE, "np").pixel_values, expected.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("kind", ["pt", "np", None, transformers.TensorType.PYTORCH, transformers.TensorType.NUMPY], ids=str)
def test_kinds_of_results(kind, ours, theirs):
    got, expected = (processor([PICTURE], return_tensors=kind).pixel_values for processor in (ours, theirs))
    assert type(got) is type(expected)
    assert np.array_equal(np.asarray(got), np.asarray(expected))


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"sise": 24}, TypeError, "'sise': did you mean 'size'"),
        ({"do_normalise": False}, TypeError, "did you mean 'do_normalize'"),
        ({"return_tensor": "pt"}, TypeError, "did you mean 'return_tensors'"),
        ({"foo": 1}, TypeError, "'foo'"),
        ({"use_fast": True}, TypeError, "'use_fast'"),
        ({"return_tensors": "tf"}, ValueError, "'tf'"),
        ({"data_format": "last"}, ValueError, "data_format is 'last'"),
        ({"input_data_format": 3}, ValueError, "input_data_format is 3"),
        ({"size": (24, 32)}, ValueError, "size must be one side"),
        ({"size": None}, ValueError, "size must be one side"),
        ({"do_center_crop": True, "crop_size": {"height": 3}}, ValueError, "crop_size must be"),
        ({"do_center_crop": True}, ValueError, "crop_size"),
        ({"image_mean": [0.1, 0.2, 0.3, 0.4]}, ValueError, "channels"),
        ({"pictures": "seen"}, ValueError, "pictures is 'seen'"),
        ({"do_convert_rgb": "yes"}, ValueError, "do_convert_rgb"),
    ],
    ids=str,
)
def test_a_call_that_is_refused(settings, error, words, ours, theirs):
    with pytest.raises(error, match=words):
        ours(PICTURE, **settings)
    if "pictures" not in settings and "data_format" not in settings:
        with pytest.raises((ValueError, TypeError, AttributeError, StrictDataclassFieldValidationError)):
            theirs(PICTURE, **{"return_tensors": "np", **settings})


CHANGES = {
    "size": (112, {"shortest_edge": 112}),
    "crop_pct": (1, 1.0),
    "resample": (2, 2),
    "do_resize": (False, False),
    "do_rescale": (None, False),
    "rescale_factor": (1 / 127.5, 1 / 127.5),
    "do_normalize": (0, False),
    "image_mean": ((0.1, 0.2, 0.3), [0.1, 0.2, 0.3]),
    "image_std": (0.5, [0.5, 0.5, 0.5]),
    "do_convert_rgb": (True, True),
    "crop_size": (100, {"height": 100, "width": 100}),
    "data_format": ("channels_last", "channels_last"),
    "pictures": ("as_stored", "as_stored"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_attributes_can_be_changed(name, ours):
    value, expected = CHANGES[name]
    setattr(ours, name, value)
    assert getattr(ours, name) == expected
    assert ours.to_dict()[name] == expected
    assert np.array_equal(values(ours, PICTURE), values(CvtImageProcessor(**SETTINGS), PICTURE, **{name: value}))
    with pytest.raises(ValueError, match=name):
        setattr(ours, name, "no")
    assert getattr(ours, name) == expected
    assert CvtImageProcessor.from_dict(ours.to_dict()) == ours


def test_a_size_that_the_crop_makes_too_large_is_refused(ours):
    ours.crop_pct = 0.01
    with pytest.raises(ValueError, match="50000000 pixels"):
        ours.size = 100


# --- where it differs: turned, profiles, transparency ---------------------------------------------------------------------


def swapped_profile():
    """sRGB whose red and green primaries are swapped, so that colours differ if it is honoured."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    places = {}
    for entry in range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12):
        places[bytes(profile[entry : entry + 4])] = entry
    red, green = (slice(places[name] + 4, places[name] + 8) for name in (b"rXYZ", b"gXYZ"))
    profile[red], profile[green] = profile[green], profile[red]
    return bytes(profile)


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


STORED = {
    "plain": (PICTURE, {}),
    "another profile": (PICTURE, {"icc_profile": swapped_profile()}),
    "on its side": (PICTURE, {"exif": turned(6)}),
    "transparent": (Image.fromarray(RGBA), {}),
    "a transparent palette": (PICTURE.convert("P"), {"transparency": PICTURE.convert("P").getpixel((20, 15))}),
    "grey": (PICTURE.convert("L"), {}),
    "16 bits": (Image.fromarray(PIXELS[:, :, 0].astype(np.uint16) * 257), {}),
}


@pytest.mark.parametrize("name", STORED)
def test_pictures_as_stored_are_transformers_own(name, ours, theirs, tmp_path):
    picture, options = STORED[name]
    path = tmp_path / "picture.png"
    picture.save(path, **options)
    expected = values(theirs, Image.open(path).convert("RGB"))
    for source in (path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), Image.open(path)):
        assert np.array_equal(values(ours, source, pictures="as_stored"), expected)
    assert np.array_equal(values(ours, path), expected) == (name in ("plain", "grey"))
    ours.pictures = "as_stored"
    ours.save_pretrained(tmp_path)
    assert np.array_equal(values(CvtImageProcessor.from_pretrained(tmp_path), path), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_once(orientation, ours):
    content = encoded(PICTURE, "PNG", exif=turned(orientation))
    once = open_picture(content)
    expected = values(ours, np.asarray(once))
    for source in (content, Image.open(io.BytesIO(content)), once, open_picture(once)):
        assert np.array_equal(values(ours, source), expected)
    assert np.array_equal(expected, values(ours, PICTURE)) == (orientation == 1)
    explored = [explore(tiny_model(depth=(1, 1, 1)), CvtImageProcessor(size=32), source) for source in (content, once)]
    assert np.array_equal(explored[0].pixels, explored[1].pixels)
    assert explored[0].original_size == once.size


def test_channels_of_files_are_kept_where_there_are_means_for_them(ours, theirs, tmp_path):
    Image.fromarray(RGBA).save(tmp_path / "picture.png", exif=turned(3))
    expected = values(theirs, np.ascontiguousarray(RGBA[::-1, ::-1]), **FOUR)
    for source in (tmp_path / "picture.png", (tmp_path / "picture.png").read_bytes(), io.BytesIO((tmp_path / "picture.png").read_bytes())):
        assert np.array_equal(values(ours, source, **FOUR), expected)
    with pytest.raises(ValueError, match="has 3 channels, but image_mean has 4"):
        ours(PICTURE, **FOUR)
    palette = encoded(PICTURE.convert("P"), "PNG", transparency=3)
    assert values(ours, palette, **FOUR).shape == (1, 4, 16, 16)
    assert values(ours, encoded(PICTURE.convert("CMYK"), "JPEG"), do_convert_rgb=False).shape == (1, 3, 16, 16)


# --- files ---------------------------------------------------------------------------------------------------------------


def test_folders_open_in_transformers_and_theirs_here(ours, theirs, tmp_path):
    for changes in ({}, {"do_center_crop": True, "crop_size": 12}, {"do_convert_rgb": True}, {"do_normalize": None}):
        own = CvtImageProcessor(**SETTINGS, **changes)
        assert own.save_pretrained(tmp_path / "ours") == [str(tmp_path / "ours" / "preprocessor_config.json")]
        opened = transformers.AutoImageProcessor.from_pretrained(tmp_path / "ours", backend="pil")
        assert type(opened) is type(theirs)
        assert np.array_equal(values(opened, PICTURE), values(own, PICTURE))
        opened.save_pretrained(tmp_path / "theirs")
        again = AutoImageProcessor.from_pretrained(tmp_path / "theirs")
        assert type(again) is CvtImageProcessor
        assert np.array_equal(values(again, PICTURE), values(own, PICTURE))


def test_a_processor_of_default_values_is_saved(tmp_path):
    CvtImageProcessor().save_pretrained(tmp_path)
    assert CvtImageProcessor.from_pretrained(tmp_path) == CvtImageProcessor()
    assert json.loads((tmp_path / "preprocessor_config.json").read_text()) == CvtImageProcessor().to_dict()
    with pytest.raises(ValueError, match="is a file"):
        CvtImageProcessor().save_pretrained(tmp_path / "preprocessor_config.json")


def test_json_in_all_forms(ours, tmp_path):
    ours.to_json_file(tmp_path / "own.json")
    assert json.loads(ours.to_json_string()) == json.loads((tmp_path / "own.json").read_text()) == ours.to_dict()
    for again in (
        CvtImageProcessor.from_json_file(tmp_path / "own.json"),
        CvtImageProcessor.from_pretrained(tmp_path / "own.json"),
        CvtImageProcessor.from_dict(ours.to_dict()),
        CvtImageProcessor(**ours.to_dict()),
        copy.deepcopy(ours),
        pickle.loads(pickle.dumps(ours)),
    ):
        assert again == ours
        assert again.to_dict() == ours.to_dict()
    assert ours != CvtImageProcessor(**{**SETTINGS, "size": 24})
    assert repr(ours).startswith("CvtImageProcessor {")
    (tmp_path / "bad.json").write_text("[")
    for name in ("bad.json", "absent.json"):
        with pytest.raises(ValueError, match=name):
            CvtImageProcessor.from_json_file(tmp_path / name)


def test_a_copy_shares_nothing(ours):
    copied = ours.to_dict()
    copied["size"]["shortest_edge"] = 1
    copied["image_mean"][0] = 9
    assert (ours.side, ours.image_mean[0]) == (16, 0.4)


LOADING = {
    "overrides": (
        {"size": 24, "do_normalize": False, "crop_pct": 1.0},
        {"size": {"shortest_edge": 24}, "do_normalize": False, "crop_pct": 1.0},
    ),
    "a dict": ({"size": {"height": 24, "width": 24}}, {"size": {"shortest_edge": 24}}),
    "the faster kind": ({"use_fast": True}, {}),
    "the backend": ({"backend": "torchvision"}, {}),
    "for the Hub": ({"revision": "main", "token": None, "force_download": True, "local_files_only": True, "cache_dir": None}, {}),
    "code of others": ({"trust_remote_code": True, "code_revision": "main", "proxies": {}}, {}),
    "of other processors": ({"do_pad": True, "foo": 3}, {}),
}


@pytest.mark.parametrize("name", LOADING)
def test_loading_with_arguments(name, ours, tmp_path):
    options, changes = LOADING[name]
    ours.save_pretrained(tmp_path)
    for load in (AutoImageProcessor.from_pretrained, CvtImageProcessor.from_pretrained):
        assert load(tmp_path, **options) == CvtImageProcessor.from_dict({**ours.to_dict(), **changes})
        assert load(pretrained_model_name_or_path=str(tmp_path), **options).to_dict() == {**ours.to_dict(), **changes}


def test_a_subfolder(ours, tmp_path):
    ours.save_pretrained(tmp_path / "inner")
    assert CvtImageProcessor.from_pretrained(tmp_path, subfolder="inner") == ours


def test_unused_arguments_are_returned(ours, theirs, tmp_path):
    ours.save_pretrained(tmp_path)
    options = {"size": 24, "foo": 3, "return_unused_kwargs": True}
    own, unused = CvtImageProcessor.from_pretrained(tmp_path, **options)
    assert (own.side, unused) == (24, {"foo": 3})
    assert type(theirs).from_pretrained(tmp_path, **options)[1]["foo"] == 3  # and, against its documentation, the size
    assert CvtImageProcessor.from_dict({}, **options)[1] == {"foo": 3}
    settings, rest = CvtImageProcessor.get_image_processor_dict(tmp_path, revision="main", foo=3)
    assert (settings, rest) == (ours.to_dict(), {"foo": 3})


def test_an_argument_nearly_named_is_refused(ours, tmp_path):
    ours.save_pretrained(tmp_path)
    with pytest.raises(TypeError, match="'do_normalise': did you mean 'do_normalize'"):
        CvtImageProcessor.from_pretrained(tmp_path, do_normalise=False)
    with pytest.raises(TypeError, match="'image_means': did you mean 'image_mean'"):
        CvtImageProcessor(image_means=0.5)
    assert CvtImageProcessor(note=[1]).to_dict()["note"] == [1]


def test_the_embedded_processor_by_all_names():
    import cvt

    own = CvtImageProcessor.from_pretrained()
    assert cvt.AutoImageProcessor.from_pretrained() == cvt.AutoFeatureExtractor.from_pretrained() == own
    assert (own.model_input_names, own.backend) == (["pixel_values"], "pil")


def test_uploading(ours, monkeypatch, tmp_path):
    import huggingface_hub

    sent = []

    class Api:
        def __init__(self, token=None):
            sent.append(token)

        def create_repo(self, repo_id, **options):
            sent.append(repo_id)
            return huggingface_hub.RepoUrl(f"https://huggingface.co/{repo_id}")

        def create_commit(self, repo_id, operations, **options):
            sent.append([(each.path_in_repo, json.loads(Path(each.path_or_fileobj).read_text())) for each in operations])

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    file = [("preprocessor_config.json", ours.to_dict())]
    ours.push_to_hub("someone/own", token="t")
    ours.save_pretrained(tmp_path / "named", push_to_hub=True, repo_id="someone/else")
    assert sent == ["t", "someone/own", file, None, "someone/else", file]


# --- the batch -----------------------------------------------------------------------------------------------------------


def batch():
    return BatchFeature(
        {"pixel_values": torch.ones(2, 3, 4, 4), "labels": torch.tensor([1, 2]), "names": ["a", "b"], "more": [torch.ones(1)]}
    )


def their_batch():
    return transformers.BatchFeature(batch().data)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((torch.float16,), {}),
        (("cpu",), {}),
        (("cpu", torch.bfloat16), {}),
        ((torch.device("cpu"),), {"non_blocking": True}),
        ((), {"device": "cpu", "dtype": torch.float64}),
        ((), {"dtype": torch.float64}),
        (("meta", torch.float16), {}),
    ],
    ids=str,
)
def test_a_batch_is_moved_and_only_floats_are_cast(args, kwargs):
    own, other = batch(), their_batch()
    assert own.to(*args, **kwargs) is own  # in place, as notebooks that drop the result rely on
    other.to(*args, **kwargs)
    assert own.labels.dtype == torch.int64
    for name in ("pixel_values", "labels"):
        assert (own[name].dtype, own[name].device) == (other[name].dtype, other[name].device)
    assert (own["more"][0].dtype, own["names"]) == (other["more"][0].dtype, ["a", "b"])


def test_a_batch_is_a_mapping(ours):
    own, other = batch(), their_batch()
    assert list(own) == list(own.keys()) == list(other.keys())
    assert own.data["labels"] is own["labels"] is own.labels is own.get("labels")
    assert dict(**own).keys() == own.data.keys()
    assert len(own.items()) == len(other.items())
    own["extra"] = 1
    assert (own.extra, "extra" in own, own.pop("extra"), "extra" in own) == (1, True, 1, False)
    with pytest.raises(AttributeError, match="absent"):
        own.absent  # noqa: B018
    for copied in (copy.deepcopy(own), copy.copy(own), own.copy(), pickle.loads(pickle.dumps(own))):
        assert type(copied) is BatchFeature
        assert torch.equal(copied.pixel_values, own.pixel_values)
    with pytest.raises(ValueError, match=r"not 3\.5"):
        own.to(3.5)
    for each in (own, other):
        with pytest.raises(TypeError):
            each.to(torch.bfloat16, "cpu")


@pytest.mark.parametrize("kind", ["pt", "np", transformers.TensorType.PYTORCH], ids=str)
def test_lists_become_tensors(kind):
    content = {"pixel_values": [np.ones((3, 2, 2), np.float32)] * 2, "labels": [1, 2], "names": ["a", "b"], "one": 3.5}
    for own in (BatchFeature(content, tensor_type=kind), BatchFeature(content).convert_to_tensors(kind)):
        other = transformers.BatchFeature(content, tensor_type=kind)
        for name in ("pixel_values", "labels"):
            assert type(own[name]) is type(other[name])
            assert (own[name].dtype, own[name].shape) == (other[name].dtype, other[name].shape)
        assert (own["names"], own["one"]) == (["a", "b"], 3.5)
    with pytest.raises(ValueError, match="different shapes"):
        BatchFeature({"pixel_values": [np.ones((1, 2)), np.ones((2, 2))]}, kind)
    with pytest.raises(ValueError, match="'jax'"):
        BatchFeature(content, "jax")
