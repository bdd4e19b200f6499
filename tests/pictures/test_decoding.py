"""Untrusted pictures in killable child processes: the same pixels as in this process, and one sentence for whatever takes too much."""

from __future__ import annotations

import io
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cvt.pictures import MAX_PIXELS, UnreadablePicture, decoding, read_picture
from cvt.pictures.decoding import BROKEN_OFF, PEAK_BYTES, TOO_LONG, TOO_MUCH, Decoder, Limits
from tests.helpers import ROOT

resource = pytest.importorskip("resource")


def photograph() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8))


@pytest.fixture(scope="module")
def decoder():
    return Decoder(count=1)


def file_of(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def child_of(decoder: Decoder) -> subprocess.Popen:
    """The only child's process, while nobody uses it."""
    child = decoder._idle.get()
    decoder._idle.put(child)
    return child._process


def gone(pid: int) -> bool:
    """Whether a process has ended, also one that nobody has asked for its end yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60  # a machine may be slow; what is awaited comes
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (900, 700)])
@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "L"), ("WEBP", "RGB"), ("TIFF", "I;16")])
def test_a_child_reads_what_this_process_reads(decoder, tmp_path, kind, mode, size):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    picture = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(pixels).convert(mode)
    content = file_of(picture, kind)
    path = tmp_path / f"picture {kind} ä"
    path.write_bytes(content)
    expected = read_picture(path)
    for source in (content, path, str(path)):
        found = decoder.read(source)
        assert found.image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(found.image), np.asarray(expected.image))
        assert found.notes == expected.notes


def test_a_path_counts_from_where_this_process_is(decoder, tmp_path, monkeypatch):
    photograph().save(tmp_path / "here.png")
    monkeypatch.chdir(tmp_path)
    assert decoder.read("here.png").image.size == photograph().size


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_a_bad_file_gets_the_same_sentence(decoder, content):
    with pytest.raises(UnreadablePicture) as expected:
        read_picture(content)
    with pytest.raises(UnreadablePicture) as found:
        decoder.read(content)
    assert str(found.value) == str(expected.value)


def test_a_child_started_ahead_reads_the_first_picture(monkeypatch):
    made, original = [], decoding._Child
    monkeypatch.setattr(decoding, "_Child", lambda limits: made.append(1) or original(limits))
    ahead = Decoder()
    for _ in range(2):
        ahead.start()
    file = io.BytesIO()
    Image.new("RGB", (9, 7), "red").save(file, "PNG")
    assert ahead.read(file.getvalue()).image.size == (9, 7)
    assert len(made) == 1


def test_a_child_is_used_again_and_makes_room_once_it_has_grown(decoder):
    small = file_of(photograph(), "PNG")
    decoder.read(small)
    first = child_of(decoder).pid
    decoder.read(small)
    assert child_of(decoder).pid == first
    side = math.isqrt(MAX_PIXELS)
    assert 2 * 4 * side**2 < PEAK_BYTES < 3 * 4 * side**2  # as Pillow holds them, 4 bytes each: with alpha they are there thrice
    assert decoder.read(file_of(Image.new("RGBA", (side, side)), "PNG", compress_level=1)).image.size == (side, side)
    assert child_of(decoder).pid != first
    assert decoder.read(small).image.size == photograph().size


# A child that does what the file's content says instead of reading it, so that the tests need no picture that takes this much.
MISBEHAVES = """
import os, signal, sys, time
from cvt.pictures import decoding

def read(source):
    content = source.read()
    if content == b"compute":
        while True: pass
    if content == b"wait":
        time.sleep(600)
    if content == b"memory":
        return bytes(1 << 40)
    if content == b"damaged":
        kept = []
        try:
            while True: kept.append(bytearray(1 << 24))
        except MemoryError:
            raise decoding.UnreadablePicture("damaged") from None
    if content == b"raise":
        raise RuntimeError("/a/path")
    if content == b"print":
        os.write(1, b"libtiff: warning")
    if content == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if content == b"nonsense":  # an answer of its own making, as if the process had been taken over
        os.write(answers, b"\\1" * 40)
        time.sleep(600)
    if content == b"half":
        os.write(answers, decoding._ANSWER.pack(True, False, 1000, 1000, 2) + b"[]" + bytes(5000))
        os._exit(0)
    if content == b"leave":
        os._exit(0)
    return decoding.OpenedPicture(decoding.Image.new("RGB", (3, 2), "red"))

answers = os.dup(1)
decoding.read_picture = read
decoding.main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"compute", TOO_LONG),
        (b"memory", TOO_MUCH),
        (b"damaged", TOO_MUCH),
        (b"raise", BROKEN_OFF),
        (b"crash", BROKEN_OFF),
        (b"leave", BROKEN_OFF),
        (b"half", BROKEN_OFF),
        (b"nonsense", BROKEN_OFF),
    ],
)
def test_whatever_a_child_does_is_one_sentence_and_the_next_picture_is_read(monkeypatch, content, sentence):
    monkeypatch.setattr(decoding, "_COMMAND", ("-c", MISBEHAVES))
    decoder = Decoder(1, Limits(memory=256 << 20, computing=1, clock=300))
    with pytest.raises(UnreadablePicture) as raised:
        decoder.read(content)
    assert str(raised.value) == sentence
    assert decoder.read(b"print").image.size == (3, 2)


def test_two_that_wait_for_ever_keep_nobody_out(monkeypatch):
    monkeypatch.setattr(decoding, "_COMMAND", ("-c", MISBEHAVES))
    decoder, told = Decoder(2, Limits(clock=1.0)), []

    def read() -> None:
        try:
            decoder.read(b"wait")
        except UnreadablePicture as error:
            told.append(str(error))

    stuck = [threading.Thread(target=read) for _ in range(2)]
    for thread in stuck:
        thread.start()
    wait_until(decoder._idle.empty)
    decoder.limits = Limits()  # of children that are made from now on
    assert decoder.read(b"").image.size == (3, 2)
    for thread in stuck:
        thread.join()
    assert told == [TOO_LONG, TOO_LONG]


def test_a_picture_over_the_limit_of_memory_is_a_sentence():
    decoder = Decoder(1, Limits(memory=64 << 20))
    with pytest.raises(UnreadablePicture, match="memory"):
        decoder.read(file_of(Image.new("RGB", (6000, 6000)), "PNG"))  # 144 MB once decoded, and 120 kB as a file
    assert decoder.read(file_of(photograph(), "PNG")).image.size == photograph().size


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_child_that_is_killed_in_the_middle_is_a_sentence(monkeypatch, number):
    monkeypatch.setattr(decoding, "_COMMAND", ("-c", MISBEHAVES))
    decoder, told = Decoder(1), []
    decoder.read(b"")
    process = child_of(decoder)

    def read() -> None:
        try:
            decoder.read(b"wait")
        except UnreadablePicture as error:
            told.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    wait_until(decoder._idle.empty)
    process.send_signal(number)
    reader.join(60)
    assert told == [BROKEN_OFF]
    assert decoder.read(b"").image.size == (3, 2)
    assert child_of(decoder).pid != process.pid


def test_a_child_that_died_while_nobody_asked_is_replaced():
    decoder = Decoder(1)
    content = file_of(photograph(), "PNG")
    decoder.read(content)
    child_of(decoder).kill()
    child_of(decoder).wait()
    assert decoder.read(content).image.size == photograph().size


def test_no_more_children_than_allowed_work_at_once(monkeypatch):
    made, content = [], file_of(photograph(), "PNG")

    class Counted(decoding._Child):
        def __init__(self, limits):
            made.append(1)
            super().__init__(limits)

    monkeypatch.setattr(decoding, "_Child", Counted)
    decoder, sizes = Decoder(2), []
    threads = [threading.Thread(target=lambda: sizes.append(decoder.read(content).image.size)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [photograph().size] * 12
    assert 1 <= len(made) <= 2


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads /proc")
def test_an_answer_that_breaks_off_here_is_not_part_of_the_next_one(decoder, monkeypatch):
    """The reader runs out of memory, or is interrupted, while the pixels are still coming."""
    large = file_of(Image.new("RGB", (900, 900), "red"), "PNG")
    for failure in (MemoryError, KeyboardInterrupt):

        def fail(*args, failure=failure):
            raise failure

        with monkeypatch.context() as patch:
            patch.setattr(decoding, "_image", fail)
            with pytest.raises((UnreadablePicture, KeyboardInterrupt)):
                decoder.read(large)
        np.testing.assert_array_equal(np.asarray(decoder.read(file_of(photograph(), "PNG")).image), np.asarray(photograph()))


def test_a_child_has_nothing_of_the_server(decoder, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        os.set_inheritable(server.fileno(), True)
        fresh = Decoder(1)
        fresh.read(file_of(photograph(), "PNG"))
        process = child_of(fresh)
        links = [os.readlink(each) for each in Path(f"/proc/{process.pid}/fd").iterdir()]
        assert not [link for link in links if link.startswith("socket:")]
        assert b"secret" not in Path(f"/proc/{process.pid}/environ").read_bytes()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_children_end_with_their_parent():
    """Killed without a chance to clean up: an idle child ends at once, one that works when its picture's time is over."""
    program = f"""
import threading
from cvt.pictures import decoding
decoding._COMMAND = ("-c", {MISBEHAVES!r})

children = [decoding._Child(decoding.Limits(clock=1.0)) for _ in range(2)]
for child in children:
    child._limits = decoding.Limits(clock=600)  # the parent itself would wait longer
    child.read(b"")
threading.Thread(target=children[1].read, args=(b"wait",), daemon=True).start()
print(*(child._process.pid for child in children), flush=True)
threading.Event().wait()
"""
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    children = [int(each) for each in parent.stdout.readline().split()]
    assert len(children) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: all(map(gone, children)))


def test_where_a_system_has_no_limits_pictures_are_read_here(monkeypatch):
    monkeypatch.setattr(decoding, "HAS_LIMITS", False)
    monkeypatch.setattr(decoding, "_Child", None)
    assert Decoder().read(file_of(photograph(), "PNG")).image.size == photograph().size


def test_a_decoder_that_nobody_holds_ends_its_children():
    decoder = Decoder(1)
    decoder.read(file_of(photograph(), "PNG"))
    process = child_of(decoder)
    del decoder
    wait_until(lambda: process.poll() is not None)


def test_a_closed_decoder_ends_a_child_that_waits_for_ever_and_the_next_picture_is_read(monkeypatch):
    monkeypatch.setattr(decoding, "_COMMAND", ("-c", MISBEHAVES))
    decoder, told = Decoder(1, Limits(clock=600)), []

    def read() -> None:
        try:
            decoder.read(b"wait")
        except UnreadablePicture as error:
            told.append(str(error))

    stuck = threading.Thread(target=read)
    stuck.start()
    wait_until(lambda: len(decoder._children) == 1 and not next(iter(decoder._children))._between)
    decoder.close()
    stuck.join()
    assert told == [BROKEN_OFF]
    assert decoder.read(b"").image.size == (3, 2)
    process = child_of(decoder)
    decoder.close()
    assert process.poll() is not None
