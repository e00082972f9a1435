"""Files of any kind become documents, or one sentence; and their names are safe."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tasks.core.errors import FileError
from tasks.question_answering.documents import limits, reading
from tasks.question_answering.documents.names import LONGEST, apart, safe_name
from tasks.question_answering.documents.reading import read_document, read_documents
from tests.document_files import pdf, word

TEXT = "Zoë’s café – “open” 🌊\n\nשלום"
NOISE = random.Random(0).randbytes(4000)


def made(folder: Path, data: bytes | str, name: str = "a.txt") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.Markdown", "a", "a.log"])
def test_a_text_is_read_in_its_encoding(tmp_path: Path, encoding: str, name: str) -> None:
    text = "A plain line first, as there mostly is one in such files, to tell by.\n" + TEXT
    document = read_document(made(tmp_path, text.encode(encoding), name))
    assert (document.name, document.text, document.pages) == (name, text, ())


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_western_bytes_are_read_as_such(tmp_path: Path, encoding: str) -> None:
    assert read_document(made(tmp_path, "Les élèves à l’école"[:12].encode(encoding))).text == "Les élèves à"


def test_a_utf8_text_that_was_cut_within_a_letter_keeps_the_others(tmp_path: Path) -> None:
    assert read_document(made(tmp_path, "élève, café".encode()[:-1])).text == "élève, caf\ufffd"


def test_line_ends_are_one_and_controls_are_spaces(tmp_path: Path) -> None:
    text = "a\r\nb\rc\fd" + " and more of it" * 20 + "\x07e"
    assert read_document(made(tmp_path, text)).text == "a\nb\nc\nd" + " and more of it" * 20 + " e"


HTML = """<!DOCTYPE html><html><head><title>The  title</title><style>.x {{ color: red }}</style><meta charset="{charset}"></head>
<body style="visibility: hidden"><!-- a comment --><script>var secret = "</p>";</script><noscript>script off</noscript>
<h1>Zoë &amp; café</h1><p>One &lt;two&gt;&nbsp;three&#8212;four<br>five <b>bo</b>ld</p><div hidden>unseen <p>inside</p></div>
<p style="display: none">unseen</p><ul><li>first<li>second</ul>
<table><tr><th>City<th>People<tr><td>Paris<td>2 million</table>
<table><tr><td><p>left one</p><p>left two</p><td>right <table><tr><td>in<td>ner</table></table><pre>  kept
   as is</pre><template>unseen</template>end</body></html>"""
SEEN = """The title

Zoë & café

One <two> three—four
five bold

first
second

City | People
Paris | 2 million

left one

left two
right

in | ner

  kept
   as is

end"""


@pytest.mark.parametrize(
    ("name", "charset", "encoding"),
    [
        ("a.html", "utf-8", "utf-8"),
        ("a.txt", "iso-8859-1", "cp1252"),
        ("a.htm", "utf-8", "utf-16"),
        ("a.html", "bogus", "utf-8"),
        ("a.pdf", "utf-8", "utf-8"),
        ("a.html", "iso-8859-15", "iso-8859-15"),
        ("a.html", "punycode", "utf-8"),
    ],
)
def test_what_a_page_shows_is_read_and_nothing_else(tmp_path: Path, name: str, charset: str, encoding: str) -> None:
    page = HTML.format(charset=charset).encode(encoding)
    assert read_document(made(tmp_path, page, name)).text == SEEN


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 100_000,
        "<table><tr><td>" * 50_000,
        "<p hidden>x</p><b>" * 50_000,
        "</div></td></tr>" * 50_000,
        "<tr><tr>" * 50_000,
        "<p " * 50_000,
        "&amp;" * 50_000,
        "<!-- " + "<!--" * 50_000 + "-->",
        "<pre>" + " \n" * 50_000,
        "<ul><li>" * 50_000,
    ],
    ids=lambda page: page[:16],
)
def test_no_page_takes_long(page: str, tmp_path: Path) -> None:
    start = time.process_time()
    text = read_document(made(tmp_path, f"<html><p>before</p>{page}<p>after</p>", "a.html")).text
    assert text.startswith("before") and time.process_time() - start < 5


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", None, r"'a.txt' can't be read \(No such file"),
        ("a.txt", b"", "'a.txt' is empty"),
        ("a.pdf", b"", "'a.pdf' is empty"),
        ("a.txt", b" \n\t ", "'a.txt' is empty"),
        ("a.txt", "— … !".encode(), "'a.txt' has no text in it"),
        ("a.html", b"<html><script>x</script></html>", "'a.html' has no text in it"),
        ("a.txt", NOISE, "'a.txt' holds no text that can be read"),
        ("a.html", NOISE, "'a.html' holds no text that can be read"),
        ("a.md", b"\x7fELF" + bytes(400), "'a.md' holds no text"),
        ("a.pdf", b"Just words.", "'a.pdf' is damaged or no PDF"),
        ("a.docx", b"Just words.", "'a.docx' is damaged or no DOCX"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "'a.doc' is an old Word file .*: save it as DOCX"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "locked with a password"),
        ("a.rtf", b"{\\rtf1 hello}", "'a.rtf' is an RTF file: save it as DOCX"),
        ("a.pdf", b"\x89PNG\r\n\x1a\n" + NOISE, "'a.pdf' is a picture"),
        ("a.gz", b"\x1f\x8b" + NOISE, "'a.gz' is a packed file"),
    ],
)
def test_anything_else_is_one_sentence(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        made(tmp_path, content, name)
    with pytest.raises(FileError, match=message) as caught:
        read_document(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_folder_a_link_a_pipe_and_an_impossible_path_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    (tmp_path / "b.txt").symlink_to(made(tmp_path, "secret", "c.txt"))
    os.mkfifo(tmp_path / "d.txt")
    for name, message in (("a.txt", "is a folder"), ("b.txt", "is a link"), ("d.txt", "is no file"), ("e\0.txt", "can't be read")):
        with pytest.raises(FileError, match=message):
            read_document(tmp_path / name)


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(tmp_path / "a.pdf", "wb") as file:
        file.write(b"%PDF-1.4\n")
        file.truncate(200_000_000)  # a hole: it takes no room here
    monkeypatch.setattr(reading, "read_pdf", lambda *_: pytest.fail("it was read"))
    with pytest.raises(FileError, match=r"'a.pdf' has 200 MB, where 50 are the most: split it"):
        read_document(tmp_path / "a.pdf")


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.docx", "a.pdf"])
def test_a_text_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(limits, "MAX_CHARACTERS", 30)
    long = "far more words than the thirty letters"
    data = {"docx": word(lambda each: each.add_paragraph(long)), "pdf": pdf(long)}.get(name[2:], long.encode())
    with pytest.raises(FileError, match=f"'{name}' holds more than 30 characters of text: split it"):
        read_document(made(tmp_path, data, name))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\notes.txt", "notes.txt"),
        ("/tmp/x/", "x"),
        ("..", "document"),
        ("", "document"),
        ("\n\t", "document"),
        ("a\nb\x1b[31m\0.txt", "a b[31m.txt"),
        ("my\u202efdp.exe", "myfdp.exe"),
        ("half \ud83d.txt", "half .txt"),
        ("Überblick 🌊.md", "Überblick 🌊.md"),
    ],
)
def test_a_name_is_the_base_name_and_safe_to_show(given: str, shown: str) -> None:
    assert safe_name(given) == shown


def test_a_long_name_keeps_its_end() -> None:
    assert safe_name("a" * 500 + ".docx").endswith("a….docx") and len(safe_name("a" * 500 + ".docx")) == LONGEST


def test_a_given_name_is_made_safe_as_well(tmp_path: Path) -> None:
    assert read_document(made(tmp_path, "Words.", "upload"), "../My\x07 file.md").name == "My file.md"


def test_names_are_told_apart() -> None:
    assert apart("a.txt", {"a.txt", "a (2).txt"}) == "a (3).txt"
    assert apart("a.txt", {"b.txt"}) == "a.txt"


def test_the_good_files_are_read_and_the_bad_ones_are_told(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        made(tmp_path / folder, f"Words of {folder}.")
    bad = made(tmp_path, b"", "b.pdf")
    documents, problems = read_documents([tmp_path / "x/a.txt", bad, str(tmp_path / "y/a.txt"), tmp_path / "none.md"])
    assert [(each.name, each.text) for each in documents] == [("a.txt", "Words of x."), ("a (2).txt", "Words of y.")]
    assert len(problems) == 2 and problems[0].startswith("'b.pdf' is empty") and problems[1].startswith("'none.md' can't be read")
    assert read_documents([]) == ([], [])
