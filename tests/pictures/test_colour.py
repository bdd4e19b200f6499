"""Colours that a file describes → sRGB: what is converted, what is left exactly alone, and what is only looked at."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from cvt.pictures import Note, note_sentence, open_picture, read_picture
from cvt.pictures.common.colour import Described, from_cicp, to_srgb
from tests.pictures.files import GAMUTS, chunk, curve, encoded, gamut_profile, icc, photograph, png, print_profile, xyz

PICTURE = photograph()
PIXELS = np.asarray(PICTURE)


def with_profile(profile, picture=PICTURE, kind="PNG"):
    return encoded(picture, kind, icc_profile=profile)


def exactly(gamut):
    """The picture of a matrix profile by the definition, in float64."""
    gamma = GAMUTS[gamut][3]
    stored = PIXELS / 255
    light = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4) if gamma == "srgb" else stored**gamma
    to_d50, srgb = (np.array(GAMUTS[name][:3]).T for name in (gamut, "sRGB"))
    shown = np.clip(light @ (np.linalg.inv(srgb) @ to_d50).T, 0, 1)
    return np.where(shown <= 0.0031308, shown * 12.92, 1.055 * shown ** (1 / 2.4) - 0.055) * 255


@pytest.mark.parametrize("gamut", ["Display P3", "Adobe RGB", "ProPhoto RGB", "Rec. 2020"])
def test_profiles_are_honoured_and_named(gamut):
    opened = read_picture(with_profile(gamut_profile(gamut, "c2")))  # whatever the profile calls itself
    assert np.abs(np.asarray(opened.image) - exactly(gamut)).max() <= 1.6
    assert [note_sentence(note) for note in opened.notes] == [f"Colours converted from {gamut}."]
    assert np.array_equal(np.asarray(open_picture(with_profile(gamut_profile(gamut)), colours="as_stored")), PIXELS)
    assert read_picture(opened.image).notes == ()  # and not twice


def test_a_picture_that_its_owner_opened_keeps_its_colours():
    file = with_profile(gamut_profile("Display P3"))
    loaded = Image.open(io.BytesIO(file))
    loaded.load()
    assert np.array_equal(np.asarray(open_picture(loaded)), np.asarray(open_picture(file)))
    assert np.array_equal(np.asarray(loaded), PIXELS)


def srgb_variants():
    rounded = tuple(tuple(round(value * 8192) / 8192 for value in column) for column in GAMUTS["sRGB"][:3])
    coarse = np.linspace(0, 1, 128)
    coarse = np.where(coarse <= 0.04045, coarse / 12.92, ((coarse + 0.055) / 1.055) ** 2.4)
    coarse = b"curv" + bytes(4) + struct.pack(">I", 128) + (coarse * 65535).round().astype(">u2").tobytes()
    colourants = {name: xyz(value) for name, value in zip((b"rXYZ", b"gXYZ", b"bXYZ"), rounded, strict=True)}
    return {
        "IEC61966-2.1": gamut_profile("sRGB", "sRGB IEC61966-2.1"),
        "littleCMS's": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "rounded": icc(b"RGB ", {**colourants, **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), coarse)}, "u1"),
    }


@pytest.mark.parametrize("name", srgb_variants())
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_srgb_stays_bit_for_bit(name, mode):
    picture = photograph(mode=mode)
    opened = read_picture(with_profile(srgb_variants()[name], picture))
    assert np.array_equal(np.asarray(opened.image), np.asarray(picture.convert("RGB")))
    assert opened.notes == ()


def mutated():
    whole = gamut_profile("Display P3")
    table = bytearray(whole)
    table[132 + 8 : 132 + 12] = b"\xff\xff\xff\x7f"  # a part that lies outside
    many = bytearray(whole)
    many[128:132] = b"\xff\xff\xff\xff"
    program = icc(b"RGB ", {b"A2B0": b"mpet" + bytes(4) + struct.pack(">HHI", 3, 3, 100_000) + bytes(200)}, "A program")
    link = gamut_profile("Display P3").replace(b"mntr", b"link", 1)
    return {
        "noise": bytes(range(256)) * 4,
        "cut": whole[:200],
        "outside": bytes(table),
        "a table of 4 billion": bytes(many),
        "a program": program,
        "a link": link,
        "empty": b"\0",
        "for print": print_profile(),
        "no curves": icc(b"RGB ", {b"rXYZ": xyz((1, 1, 1))}, "Half"),
        "no inverse": icc(
            b"RGB ", {b"rXYZ": xyz((0, 0, 0)), b"gXYZ": xyz((0, 0, 0)), b"bXYZ": xyz((0, 0, 0)), b"rTRC": curve(1.0)}, "Nought"
        ),
    }


@pytest.mark.parametrize("name", mutated())
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_profile_that_cannot_be_used_changes_nothing(name, kind):
    file = with_profile(mutated()[name], kind=kind)
    opened = read_picture(file)
    assert np.array_equal(np.asarray(opened.image), np.asarray(open_picture(file, colours="as_stored")))
    assert opened.notes == (Note("profile_ignored"),)


def test_ranks_of_what_a_png_says():
    """cICP, then a profile, then sRGB, then gamma."""
    cicp = chunk(b"cICP", bytes([9, 13, 0, 1]))
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(gamut_profile("Adobe RGB")))
    srgb, gamma = chunk(b"sRGB", b"\0"), chunk(b"gAMA", struct.pack(">I", 100_000))
    for chunks, name in (
        ((gamma, srgb, profile, cicp), "BT.2020"),
        ((gamma, srgb, profile), "Adobe RGB"),
        ((gamma, srgb), None),
        ((gamma,), "gamma 1"),
        ((chunk(b"gAMA", struct.pack(">I", 45_455)),), None),
        ((chunk(b"gAMA", struct.pack(">I", 0)),), None),
        ((chunk(b"cICP", bytes([200, 200, 0, 1])), gamma), "gamma 1"),
    ):
        notes = read_picture(png(PIXELS, before=b"".join(chunks))).notes
        assert [note.name for note in notes] == ([name] if name else [])


def test_white_grey_and_black_of_hdr():
    """Reference white is half of the screen's light, the peak its white; greys stay grey, and brighter stays brighter."""
    greys = Image.fromarray(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(6, axis=0))
    for transfer, white, peak in ((16, 148, 192), (18, 191, 255)):  # codes of 203 and 1,000 cd/m²
        shown = np.asarray(to_srgb(greys.copy(), from_cicp(9, transfer))[0])[0].astype(int)
        assert np.ptp(shown, axis=1).max() <= 1
        assert (np.diff(shown[:, 0]) >= 0).all()
        assert shown[0, 0] == 0
        assert abs(shown[white, 0] - 188) <= 2  # sRGB's code of half its light
        assert shown[peak, 0] == 255


def test_a_described_space_without_sense_is_left_alone():
    flat = chunk(b"gAMA", struct.pack(">I", 60_000)) + chunk(b"cHRM", struct.pack(">8I", *[30_000] * 8))
    nought = chunk(b"gAMA", struct.pack(">I", 60_000)) + chunk(b"cHRM", bytes(32))
    for chunks in (flat, nought):
        assert np.array_equal(np.asarray(open_picture(png(PIXELS, before=chunks))), PIXELS)


def test_conversion_leaves_transparency_alone():
    picture = PICTURE.copy()
    picture.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 40).astype(np.uint8), (30, 1))))
    converted, note = to_srgb(picture.copy(), gamut_profile("Display P3"))
    assert np.array_equal(np.asarray(converted)[:, :, 3], np.asarray(picture)[:, :, 3])
    assert np.abs(np.asarray(converted)[:, :, :3] - exactly("Display P3")).max() <= 1.6
    assert note == Note("converted", name="Display P3")
    assert to_srgb(picture, Described("sRGB", from_cicp(1, 13).places, "srgb")) == (picture, None)


def test_only_the_two_choices_of_colours():
    with pytest.raises(ValueError, match="'srgb' or 'as_stored'"):
        open_picture(PICTURE, colours="P3")
