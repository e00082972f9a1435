"""Real files for the tests of documents, made here: PDFs by hand, DOCX by python-docx."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence

import docx
from pypdf import PdfReader, PdfWriter


def pdf(*pages: str, content: bytes | None = None) -> bytes:
    """A PDF with a page for each text, a line of it on each line of the page; ``content``: the pages' program, instead."""
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", font]
    kids = []
    for page in pages:
        program = _program(page) if content is None else content
        kids.append(f"{len(objects) + 1} 0 R")
        resources = b"/Resources << /Font << /F1 3 0 R >> >> /MediaBox [0 0 612 792]"
        objects.append(b"<< /Type /Page /Parent 2 0 R %b /Contents %d 0 R >>" % (resources, len(objects) + 2))
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(program), program))
    objects[1] = f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(kids)}] >>".encode()
    return _assembled(objects)


def _program(page: str) -> bytes:
    lines = [line.translate({ord(char): f"\\{char}" for char in "\\()"}).encode("cp1252") for line in page.split("\n")]
    return b"BT /F1 11 Tf 14 TL 50 740 Td " + b" ".join(b"(%b) Tj T*" % line for line in lines) + b" ET"


def _assembled(objects: Sequence[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(places) + 1, table)
    return bytes(out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, start))


def locked(data: bytes, password: str, algorithm: str = "AES-256") -> bytes:
    """A PDF encrypted so that ``password`` opens it."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(user_password=password, owner_password="owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def word(fill: Callable[[docx.document.Document], object]) -> bytes:
    """A DOCX that ``fill`` writes into."""
    document, out = docx.Document(), io.BytesIO()
    fill(document)
    document.save(out)
    return out.getvalue()


def with_part(data: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """A zip file with one part changed, or a new one that ``change`` makes out of nothing."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(old.read(part)) if part == name else old.read(part))
        if name not in old.namelist():
            new.writestr(name, change(b""))
    return out.getvalue()
