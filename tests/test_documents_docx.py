"""Word files: all of their text in its order, and none of the harm that a zip file or XML can do."""

from __future__ import annotations

import io
import re
import time
import zipfile
from pathlib import Path

import docx
import pytest

from tasks.core.errors import FileError
from tasks.question_answering.documents import from_docx
from tasks.question_answering.documents.reading import read_document
from tests.document_files import with_part, word

MAIN = "word/document.xml"
PLAIN = word(lambda document: document.add_paragraph("Plain words."))
NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def read(folder: Path, data: bytes, name: str = "a.docx") -> str:
    (folder / name).write_bytes(data)
    return read_document(folder / name).text


def body(xml: str) -> bytes:
    """A DOCX with this inside its body."""
    return with_part(PLAIN, MAIN, lambda _: f"<w:document {NAMESPACE}><w:body>{xml}</w:body></w:document>".encode())


def fill(document: docx.document.Document) -> None:
    document.add_heading("A heading", 1)
    paragraph = document.add_paragraph("Zoë & co")
    paragraph.add_run(" go on,\tbold").bold = True
    document.add_paragraph("item", style="List Bullet")
    table = document.add_table(2, 2)
    table.cell(0, 0).text, table.cell(0, 1).text, table.cell(1, 0).text = "City", "People", "Paris"
    inner = table.cell(1, 1).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "in", "ner"
    deepest = inner.cell(0, 1).add_table(1, 1)
    deepest.cell(0, 0).text = "deepest"
    document.add_paragraph("end")
    document.sections[0].header.paragraphs[0].text = "header"


def test_headings_paragraphs_and_tables_within_tables_are_read_in_order(tmp_path: Path) -> None:
    text = read(tmp_path, word(fill))
    assert text.startswith("A heading\n\nZoë & co go on, bold\n\nitem\n\nCity | People\n")
    assert re.findall(r"\w+", text)[-6:] == ["People", "Paris", "in", "ner", "deepest", "end"]


def test_a_table_that_places_text_keeps_its_paragraphs(tmp_path: Path) -> None:
    def place(document: docx.document.Document) -> None:
        cell = document.add_table(1, 2).cell(0, 0)
        cell.text = "First paragraph."
        cell.add_paragraph("Second paragraph.")

    assert read(tmp_path, word(place)) == "First paragraph.\n\nSecond paragraph."


def test_controls_notes_text_boxes_and_insertions_are_read_and_deletions_are_not(tmp_path: Path) -> None:
    run = "<w:r><w:t>{}</w:t></w:r>"
    control, inserted, link, boxed, noted = (run.format(text) for text in ("control", "inserted", " link", "boxed", "A note."))
    xml = f"<w:sdt><w:sdtContent><w:p>{control}</w:p></w:sdtContent></w:sdt><w:p><w:ins>{inserted}</w:ins>"
    xml += "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:instrText>HYPERLINK</w:instrText></w:r>"
    xml += f"<w:hyperlink>{link}</w:hyperlink><w:r><w:pict><w:txbxContent><w:p>{boxed}</w:p></w:txbxContent></w:pict></w:r></w:p>"
    note = f"<w:footnotes {NAMESPACE}><w:footnote><w:p>{noted}</w:p></w:footnote></w:footnotes>".encode()
    text = read(tmp_path, with_part(body(xml), "word/footnotes.xml", lambda _: note))
    assert text == "control\n\ninserted link\nboxed\n\nA note."


def test_macros_and_links_are_ignored(tmp_path: Path) -> None:
    macros = with_part(PLAIN, "word/vbaProject.bin", lambda _: b"\xd0\xcf\x11\xe0 macro")
    macros = with_part(macros, "[Content_Types].xml", lambda old: old.replace(b"document.main+xml", b"document.macroEnabled.main+xml"))
    link = (
        b'<Relationship Id="x" Type="http://a/attachedTemplate" Target="http://10.0.0.1/evil.dotm" TargetMode="External"/></Relationships>'
    )
    linked = with_part(macros, "word/_rels/document.xml.rels", lambda old: old.replace(b"</Rel", link + b"</Rel"))
    assert read(tmp_path, linked, "a.docm") == "Plain words."


def test_the_main_part_may_have_another_name(tmp_path: Path) -> None:
    other = zipfile.ZipFile(io.BytesIO(PLAIN)).read(MAIN).replace(b"Plain", b"Other")
    renamed = with_part(PLAIN, "word/document2.xml", lambda _: other)
    renamed = with_part(renamed, "_rels/.rels", lambda old: old.replace(b"word/document.xml", b"/word/document2.xml"))
    assert read(tmp_path, renamed) == "Other words."


BOMB = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
XML = b"<?xml version='1.0'?><!DOCTYPE w [<!ENTITY a 'lol'>%b]><w:document %b>"
XML += b"<w:body><w:p><w:r><w:t>x&%b;</w:t></w:r></w:p></w:body></w:document>"
FILE = b'<!ENTITY f SYSTEM "file:///etc/hostname">'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (PLAIN[:200], "is damaged or no Word document"),
        (PLAIN[:-50], "is damaged or no Word document"),
        (PLAIN[:400] + b"\0" * 200 + PLAIN[600:], "is damaged or no Word document"),
        (with_part(PLAIN, MAIN, lambda old: old[:-40]), "is damaged"),
        (with_part(PLAIN, MAIN, lambda _: XML % (BOMB.encode(), NAMESPACE.encode(), b"i")), "is damaged"),
        (with_part(PLAIN, MAIN, lambda _: XML % (FILE, NAMESPACE.encode(), b"f")), "is damaged"),
        (body("<w:p>" * 100_000), "is damaged"),
        (body("<w:p/>"), "has no text in it"),
        (with_part(PLAIN, "_rels/.rels", lambda _: b"<Relationships/>"), "is damaged or no Word document"),
        (
            with_part(PLAIN, "_rels/.rels", lambda old: old.replace(b"word/document.xml", b"../../etc/passwd")),
            "is damaged or no Word document",
        ),
        (with_part(PLAIN, "word/media/zeros.bin", lambda _: bytes(30_000_000)), "unpacks to 30,.* bytes in .* parts"),
        (with_part(PLAIN, MAIN, lambda old: old.replace(b"Plain", b"x" * 30_000_000)), "unpacks to 30,.* bytes in"),
    ],
    ids=range(12),
)
def test_anything_else_is_one_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    start = time.process_time()
    with pytest.raises(FileError, match=f"'a.docx' {message}") as caught:
        read(tmp_path, data)
    assert "\n" not in str(caught.value) and time.process_time() - start < 5


def test_other_zip_files_are_told_for_what_they_are(tmp_path: Path) -> None:
    sheet = with_part(PLAIN, "xl/workbook.xml", lambda _: b"<a/>")
    sheet = with_part(sheet, "_rels/.rels", lambda old: old.replace(b"word/document.xml", b"xl/workbook.xml"))
    with pytest.raises(FileError, match=r"'a.docx' is an Excel or PowerPoint file"):
        read(tmp_path, sheet)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("words.txt", "words")
    with pytest.raises(FileError, match=r"'a.zip' is damaged or no Word document"):
        read(tmp_path, out.getvalue(), "a.zip")


def test_too_many_parts_and_locked_parts_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flagged = bytearray(PLAIN)
    for match in re.finditer(b"PK\x01\x02", PLAIN):
        flagged[match.start() + 8] |= 1
    with pytest.raises(FileError, match=r"'a.docx' is locked with a password"):
        read(tmp_path, bytes(flagged))
    monkeypatch.setattr(from_docx, "MAX_PARTS", 3)
    with pytest.raises(FileError, match=r"in \d+ parts, more than a document needs"):
        read(tmp_path, PLAIN)


def test_what_comes_out_is_counted_whatever_the_headers_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_docx, "_check_sizes", lambda *_: None)  # the headers said that it is small
    monkeypatch.setattr(from_docx, "MAX_UNPACKED", 20_000)
    with pytest.raises(FileError, match="unpacks to more than 20,000 bytes"):
        read(tmp_path, body("<w:p/>" * 10_000))
