"""Files plain and compressed: read whole, and refused where they are cut off, changed, too long or go on."""

import gzip
import time
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phal2.node.command.bounded_files import UnreadableFile, read_bounded_file

LIMIT = 1 << 20
CONTENT = bytes(range(256)) * 200
SAMPLES = [b"account %d has the balance %d" % (number, number * number) for number in range(2_000)]
DICTIONARY = zstandard.train_dictionary(4_096, SAMPLES)

FORMATS = {
    "plain": lambda content: content,
    "gzip": gzip.compress,
    "gzip members": lambda content: gzip.compress(content[:100]) + gzip.compress(content[100:]),
    "padded gzip": lambda content: gzip.compress(content) + bytes(512),
    "zstandard": zstandard.compress,
    "zstandard without a size": lambda content: zstandard.ZstdCompressor(write_content_size=False).compress(content),
}


def written(tmp_path: Path, raw: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(raw)
    return path


def refusal(path: Path, limit: int = LIMIT, dictionary: bytes | None = None) -> str:
    with pytest.raises(UnreadableFile) as error:
        read_bounded_file(path, limit, dictionary)
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    return text


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("content", [b"", b"{}", CONTENT], ids=len)
def test_the_content_comes_back_in_every_form(tmp_path: Path, form: str, content: bytes) -> None:
    assert read_bounded_file(written(tmp_path, FORMATS[form](content)), LIMIT) == content


@pytest.mark.parametrize("form", FORMATS)
def test_the_limit_is_the_longest_content(tmp_path: Path, form: str) -> None:
    path = written(tmp_path, FORMATS[form](CONTENT))

    assert read_bounded_file(path, len(CONTENT)) == CONTENT
    assert "more than" in refusal(path, len(CONTENT) - 1) or "is longer than" in refusal(path, len(CONTENT) - 1)


@pytest.mark.parametrize("form", ["gzip", "zstandard"])
def test_data_that_is_cut_off_is_refused(tmp_path: Path, form: str) -> None:
    raw = FORMATS[form](CONTENT)
    for length in (5, 18, len(raw) // 2, len(raw) - 1):
        text = refusal(written(tmp_path, raw[:length]))
        assert "truncated" in text or "corrupt" in text


@pytest.mark.parametrize("form", ["gzip", "zstandard"])
def test_data_that_goes_on_is_refused(tmp_path: Path, form: str) -> None:
    assert "3 bytes follow" in refusal(written(tmp_path, FORMATS[form](CONTENT) + b"abc"))


@pytest.mark.parametrize("form", ["gzip", "zstandard"])
def test_a_small_file_that_grows_without_end_is_refused(tmp_path: Path, form: str) -> None:
    raw = FORMATS[form](bytes(200 << 20))
    assert len(raw) < LIMIT

    assert f"decompresses to more than {LIMIT} bytes" in refusal(written(tmp_path, raw))


def test_a_gzip_file_of_many_members_takes_time_in_proportion(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b"") * 400_000 + gzip.compress(CONTENT))
    begin = time.process_time()

    content = read_bounded_file(path, 1 << 24)

    # One or two seconds; were the rest of the file copied at every member, it would be a minute and more.
    assert time.process_time() - begin < 10
    assert content == CONTENT


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["gzip", "zstandard"]), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_never_goes_unnoticed_nor_crashes(tmp_path: Path, form: str, place: int, change: int) -> None:
    compress = {"gzip": gzip.compress, "zstandard": zstandard.ZstdCompressor(write_checksum=True).compress}[form]
    raw = bytearray(compress(CONTENT[:3_000]))
    raw[place % len(raw)] ^= change
    try:
        content = read_bounded_file(written(tmp_path, bytes(raw)), LIMIT)
    except UnreadableFile:
        return
    # Another magic number makes a plain file of it; the header has fields that say nothing of the content.
    assert content in (CONTENT[:3_000], bytes(raw))


def test_a_dictionary_must_be_the_one_that_was_used(tmp_path: Path) -> None:
    path = written(tmp_path, zstandard.ZstdCompressor(dict_data=DICTIONARY).compress(SAMPLES[7]))
    other = zstandard.train_dictionary(4_096, [sample[::-1] for sample in SAMPLES])

    assert read_bounded_file(path, LIMIT, DICTIONARY.as_bytes()) == SAMPLES[7]
    assert f"dictionary {DICTIONARY.dict_id()}; give it with --dictionary" in refusal(path)
    assert f"but --dictionary gives {other.dict_id()}" in refusal(path, dictionary=other.as_bytes())
    assert "but --dictionary gives none" in refusal(path, dictionary=b"no dictionary at all")


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory" in refusal(tmp_path / "nothing")
    assert "cannot be read: Is a directory" in refusal(tmp_path)
