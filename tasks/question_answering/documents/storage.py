"""An index in a folder: vectors and terms as safetensors, the rest as JSON; no pickle.

``index.json`` names the other files, which are named by their content, and comes last, in one step: so a folder holds the
index that was there, or the new one, and never half of each.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tasks.core.errors import FileError, ModelError
from tasks.question_answering.documents.blocks import Block, Snapshot, document_digest, text_key
from tasks.question_answering.documents.types import Document, Passage

FORMAT = 1  # of the files, and of how texts are cut and numbered
INDEX = "index.json"
KINDS = {"arrays": ".safetensors", "documents": ".jsonl"}


def save(folder: Path, snapshot: Snapshot, terms: list[str], fingerprint: str) -> None:
    """Write ``snapshot`` and the vocabulary's ``terms``; raises ``FileError`` where that fails, and what was there stays."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = _names(_described(folder)) if (folder / INDEX).is_file() else []
    except OSError as error:
        raise _unwritable(folder, error) from error
    except FileError:
        before = []  # a damaged index is replaced like any other
    made: list[Path] = []
    try:
        files = {kind: _written(folder, kind, snapshot, made) for kind in KINDS}
        index = {"format": FORMAT, "fingerprint": fingerprint, "terms": terms, "files": files}
        made.append(folder / f"{INDEX}.partial")
        made[-1].write_text(json.dumps(index), encoding="utf-8")
        made[-1].replace(folder / INDEX)
    except (OSError, SafetensorError) as error:
        for path in made:
            path.unlink(missing_ok=True)
        raise _unwritable(folder, error) from error
    for name in set(before) - set(_names(index)):
        (folder / name).unlink(missing_ok=True)


def load(folder: Path, fingerprint: str) -> tuple[list[Block], list[str]]:
    """The blocks and the vocabulary's terms; raises ``FileError`` where they are damaged, ``ModelError`` for another encoder."""
    index = _described(folder)
    if index["fingerprint"] != fingerprint:
        raise ModelError(
            f"The index in {str(folder)!r} was made with the encoder {index['fingerprint']!r}, not {fingerprint!r}: "
            "choose that one, or make the index again."
        )
    try:
        for kind in KINDS:
            _check(folder, kind, index["files"][kind])
        return _blocks(folder, index), [str(term) for term in index["terms"]]
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, SafetensorError) as error:
        raise _damaged(folder) from error


def _described(folder: Path) -> dict[str, Any]:
    """What ``index.json`` says."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileError(f"There is no index in {str(folder)!r}: choose the folder that one was saved in.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(folder) from error
    if not isinstance(index, dict) or not isinstance(index.get("fingerprint"), str):
        raise _damaged(folder)
    if index.get("format") != FORMAT:
        raise FileError(f"The index in {str(folder)!r} has format {index.get('format')!r}, not {FORMAT}: make it again.")
    try:
        _names(index)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder) from error
    return index


def _names(index: dict[str, Any]) -> list[str]:
    """The names of the files of an index."""
    return [_name(kind, index["files"][kind]) for kind in KINDS]


def _written(folder: Path, kind: str, snapshot: Snapshot, made: list[Path]) -> str:
    """Write one of the files and give its digest, which is in its name, too."""
    partial = folder / f"{kind}.partial"
    made.append(partial)
    if kind == "arrays":
        terms = [np.zeros(0, np.int32), *(block.terms for block in snapshot.blocks)]
        lengths = [np.zeros(0, np.int64), *(block.lengths for block in snapshot.blocks)]
        save_file({"vectors": snapshot.vectors, "terms": np.concatenate(terms), "lengths": np.concatenate(lengths)}, partial)
    else:
        with open(partial, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(_row(block)) + "\n" for block in snapshot.blocks)
    digest = _digest(partial)
    target = folder / _name(kind, digest)
    if not target.exists():
        made.append(target)  # one that was there belongs to the index that is there, and stays whatever happens
    os.replace(partial, target)
    return digest


def _row(block: Block) -> dict[str, Any]:
    spans = [[passage.start, passage.end] for passage in block.passages]
    return {"name": block.document.name, "pages": block.document.pages, "passages": spans, "text": block.document.text}


def _blocks(folder: Path, index: dict[str, Any]) -> list[Block]:
    """The blocks; raises one of what ``load`` expects where the files do not fit one another."""
    arrays = load_file(folder / _name("arrays", index["files"]["arrays"]))
    vectors, terms, lengths = (arrays[name] for name in ("vectors", "terms", "lengths"))
    known = not len(terms) or 0 <= terms.min() <= terms.max() < len(index["terms"])
    if not known or len(vectors) != len(lengths) or lengths.sum() != len(terms):
        raise ValueError("The arrays do not fit one another.")
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    blocks, at = [], 0
    with open(folder / _name("documents", index["files"]["documents"]), encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            document = Document(row["name"], row["text"], tuple(row["pages"]))
            made = [_passage(document, start, end) for start, end in row["passages"]]
            stop = at + len(made)
            keys = [text_key(passage.text) for passage in made]
            words = terms[ends[at] : ends[stop]]
            blocks.append(Block(document, document_digest(document), made, keys, vectors[at:stop], words, lengths[at:stop]))
            at = stop
    if at != len(vectors):
        raise ValueError("There are more vectors than passages.")
    return blocks


def _passage(document: Document, start: int, end: int) -> Passage:
    return Passage(document.name, document.page(start), start, end, document.text[start:end])


def _name(kind: str, digest: object) -> str:
    """The name of a file; raises ``ValueError`` for a digest that is none, such as a path."""
    if not isinstance(digest, str) or len(digest) != 64 or not digest.isalnum():
        raise ValueError(f"{digest!r} is no digest.")
    return f"{kind}-{digest[:16]}{KINDS[kind]}"


def _check(folder: Path, kind: str, digest: str) -> None:
    if _digest(folder / _name(kind, digest)) != digest:
        raise ValueError(f"The {kind} are not those that were saved.")


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(folder: Path) -> FileError:
    return FileError(f"The index in {str(folder)!r} is damaged: make it again from its documents.")


def _unwritable(folder: Path, error: Exception) -> FileError:
    reason = getattr(error, "strerror", None) or error
    return FileError(f"The index can't be written to {str(folder)!r} ({reason}): choose another folder.")
