"""PDFs: their text with exact pages, and what is wrong with the others in one sentence."""

from __future__ import annotations

import time
import zlib
from itertools import count, pairwise
from pathlib import Path

import pytest

from tasks.core.errors import FileError
from tasks.question_answering.documents import from_pdf, limits
from tasks.question_answering.documents.reading import read_document
from tasks.question_answering.documents.types import Document
from tests.document_files import locked, pdf

FIRST = "Annual report\n\nThe river flooded the lower part of the town in the night of the exam-\nple, "
FIRST += "and 90 people of the well-\nknown school fled."
SECOND = "A well-known engineer said that the dam (built in 1931) would hold\nfor years."


def read(folder: Path, data: bytes, name: str = "a.pdf") -> Document:
    (folder / name).write_bytes(data)
    return read_document(folder / name)


def test_pages_begin_where_their_offsets_say_and_lines_run_on(tmp_path: Path) -> None:
    document = read(tmp_path, pdf(FIRST, SECOND, "Third page."))
    starts = [*document.pages, len(document.text)]
    pages = [document.text[start:end] for start, end in pairwise(starts)]
    assert "in the night of the example, and 90 people of the well-known school fled." in pages[0]
    assert pages[1] == SECOND.replace("\n", " ") + "\n\n"
    assert pages[2] == "Third page."
    for number, (page, word) in enumerate(zip(pages, ["Annual", "engineer", "Third"], strict=True), 1):
        assert word in page and document.page(document.text.index(word)) == number
    assert document.blank_pages == ()


def test_a_sentence_runs_on_over_the_end_of_a_page(tmp_path: Path) -> None:
    document = read(tmp_path, pdf("The committee decided to close", "the old bridge."))
    assert document.text == "The committee decided to close\nthe old bridge." and document.pages == (0, 31)


def test_a_page_without_text_keeps_its_number_and_is_told(tmp_path: Path) -> None:
    document = read(tmp_path, pdf("One.", "", "Three.", ""))
    assert document.blank_pages == (2, 4) and document.page(document.text.index("Three")) == 3


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
def test_what_the_empty_password_opens_is_read_and_the_rest_is_not(tmp_path: Path, algorithm: str) -> None:
    assert read(tmp_path, locked(pdf("Words."), "", algorithm)).text == "Words."
    with pytest.raises(FileError, match=r"'b.pdf' is locked with a password: save a copy without one"):
        read(tmp_path, locked(pdf("Words."), "secret", algorithm), "b.pdf")


def test_a_scan_is_told_to_need_recognition(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"'a.pdf' has no text in its 2 pages, as scans have none: run text recognition"):
        read(tmp_path, pdf("", "", content=b"q 100 0 0 100 50 50 cm 0 0 1 1 re f Q"))


WHOLE = pdf(*["Some words of a page."] * 5)


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7",
        b"%PDF-1.4\n" + b"\xff\x00junk" * 500,
        b"%PDF-" + b"<<" * 50_000,
        b"%PDF-" + b"[" * 100_000 + b"\ntrailer <<",
        WHOLE[:100],
        b"%PDF-1.4\ntrailer << /Root 1 0 R >>\nstartxref\n0\n%%EOF",
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 1 0 R >>\nendobj\n%%EOF",
    ],
    ids=range(7),
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    start = time.process_time()
    with pytest.raises(FileError, match=r"'a.pdf' (is damaged or no PDF|has no text)") as caught:
        read(tmp_path, data)
    assert "\n" not in str(caught.value) and time.process_time() - start < 5


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8, 0.95])
def test_a_truncated_file_gives_what_is_there_or_one_sentence(tmp_path: Path, share: float) -> None:
    try:
        assert "Some words of a page." in read(tmp_path, WHOLE[: int(share * len(WHOLE))]).text
    except FileError as error:
        assert "'a.pdf' is damaged" in str(error) or "has no text" in str(error)


def test_every_damaged_byte_gives_text_or_one_sentence(tmp_path: Path) -> None:
    for place in range(9, len(WHOLE), 37):
        data = WHOLE[:place] + b"\xfe" + WHOLE[place + 1 :]
        try:
            assert read(tmp_path, data).pages
        except FileError as error:
            assert str(error).startswith("'a.pdf' ")


def test_too_many_pages_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_pdf, "MAX_PAGES", 4)
    with pytest.raises(FileError, match=r"'a.pdf' has 5 pages, where 4 are the most: split it"):
        read(tmp_path, WHOLE)


def test_a_page_that_takes_too_long_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count()
    monkeypatch.setattr(limits.time, "monotonic", lambda: next(clock))  # a second passes each time that somebody looks
    monkeypatch.setattr(limits, "MAX_SECONDS", 50)
    assert read(tmp_path, pdf("Words.")).text == "Words."
    with pytest.raises(FileError, match=r"'a.pdf' takes more than 50 seconds to read"):
        read(tmp_path, pdf("", content=b"BT /F1 11 Tf " + b"(a) Tj " * 100 + b"ET"))


def test_a_page_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    bomb = zlib.compress(b"(a) Tj " * 20_000_000, 1)
    data = pdf("", content=bomb).replace(b"<< /Length", b"<< /Filter /FlateDecode /Length")
    start = time.process_time()
    with pytest.raises(FileError, match=r"'a.pdf' "):
        read(tmp_path, data)
    assert time.process_time() - start < 20
