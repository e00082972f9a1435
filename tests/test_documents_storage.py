"""A saved index comes back as it was, for the same encoder; and a damaged one is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.core.errors import FileError, ModelError
from tasks.question_answering.documents import storage
from tasks.question_answering.documents.index import Change, PassageIndex
from tasks.question_answering.documents.types import Document
from tests.test_documents_index import BRIDGE, TOWN, Embedder, built

ODD = Document("Überblick \ud83d.md", "Half \ud83d an emoji, a \u2028 line, and a school.")


def saved(folder: Path) -> PassageIndex:
    index = PassageIndex(Embedder(), "encoder 1")
    index.add([TOWN, Document("blank.txt", ""), ODD, BRIDGE])
    index.save(folder)
    return index


def load(folder: Path) -> PassageIndex:
    return PassageIndex.load(folder, Embedder(), "encoder 1")


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    index, again = saved(tmp_path / "new" / "index"), load(tmp_path / "new" / "index")
    assert again.names == index.names and [again.document(name) for name in index.names] == [index.document(name) for name in index.names]
    for method in ("dense", "bm25", "hybrid"):
        assert again.search_by("the flooded school bridges", 9, method) == index.search_by("the flooded school bridges", 9, method)


def test_what_came_back_is_not_embedded_again_and_a_changed_document_is_noticed(tmp_path: Path) -> None:
    saved(tmp_path)
    embedder = Embedder()
    index = PassageIndex.load(tmp_path, embedder, "encoder 1")
    assert index.add([TOWN, ODD]) == [Change(TOWN.name, "unchanged", 1, 0), Change(ODD.name, "unchanged", 1, 0)]
    assert embedder.asked == []
    assert index.add([Document("bridge.txt", "The nurse votes.")]) == [Change("bridge.txt", "replaced", 1, 1)]
    assert index.search_by("nurse votes", 1, "bm25")[0][0].document == "bridge.txt"


def test_an_empty_index_comes_back(tmp_path: Path) -> None:
    PassageIndex(Embedder(), "encoder 1").save(tmp_path)
    index = load(tmp_path)
    assert index.names == () and index.search("river") == []
    index.add([TOWN])
    assert len(index.search("river")) == 1


def test_saving_again_leaves_no_other_file(tmp_path: Path) -> None:
    index = saved(tmp_path)
    (tmp_path / "notes.txt").write_text("the user's")
    first = sorted(path.name for path in tmp_path.iterdir())
    index.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == first and len(first) == 4
    index.remove("bridge.txt")
    index.save(tmp_path)
    second = sorted(path.name for path in tmp_path.iterdir())
    assert second != first and len(second) == 4 and load(tmp_path).names == index.names


@pytest.mark.parametrize("step", ["save_file", "json", "replace"])
def test_an_interrupted_save_leaves_the_old_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    index = saved(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    index.add([Document("more.txt", "A vote.")])

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    if step == "json":
        monkeypatch.setattr(storage, "_row", full)
    elif step == "replace":
        monkeypatch.setattr(Path, "replace", full)
    else:
        monkeypatch.setattr(storage, "save_file", full)
    with pytest.raises(FileError, match=r"can't be written to .* \(No space left on device\): choose another folder"):
        index.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == before and "more.txt" not in load(tmp_path).names


def test_it_opens_for_its_own_encoder_alone(tmp_path: Path) -> None:
    saved(tmp_path)
    with pytest.raises(ModelError, match=r"made with the encoder 'encoder 1', not 'encoder 2': choose that one, or make the index again"):
        PassageIndex.load(tmp_path, Embedder(), "encoder 2")


def test_a_folder_without_one_or_that_cannot_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no index in"):
        load(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="can't be written to"):
        saved(tmp_path / "file")


@pytest.mark.parametrize("kind", ["arrays", "documents"])
@pytest.mark.parametrize("harm", ["cut", "flip", "gone"])
def test_a_damaged_file_is_told(tmp_path: Path, kind: str, harm: str) -> None:
    index = saved(tmp_path)
    (path,) = tmp_path.glob(f"{kind}-*")
    data = bytearray(path.read_bytes())
    content = index._now.vectors[-1].tobytes() if kind == "arrays" else b"engineer"
    data[data.index(content)] ^= 1  # which leaves a file that can be read
    path.unlink() if harm == "gone" else path.write_bytes(data if harm == "flip" else data[:-9])
    with pytest.raises(FileError, match="is damaged: make it again from its documents"):
        load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"files": {"arrays": "../../etc/passwd", "documents": ""}},
        {"files": []},
        {"files": {}},
        {"terms": ["one"]},
        {"terms": None},
        {"fingerprint": None},
    ],
)
def test_a_damaged_description_is_told_and_replaced_by_the_next(tmp_path: Path, change: dict[str, Any]) -> None:
    index = saved(tmp_path)
    path = tmp_path / "index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(FileError, match="is damaged"):
        load(tmp_path)
    index.save(tmp_path)
    assert load(tmp_path).names == index.names


def test_no_json_and_another_format_are_told(tmp_path: Path) -> None:
    saved(tmp_path)
    path = tmp_path / "index.json"
    for content, message in ((b"{", "is damaged"), (b"\xff", "is damaged"), (b"[" * 99_999, "is damaged"), (b"[]", "is damaged")):
        path.write_bytes(content)
        with pytest.raises(FileError, match=message):
            load(tmp_path)
    path.write_text(json.dumps({"format": 9, "fingerprint": "encoder 1", "files": {}}))
    with pytest.raises(FileError, match="has format 9, not 1: make it again"):
        load(tmp_path)


def test_vectors_are_safetensors_of_length_one(tmp_path: Path) -> None:
    saved(tmp_path)
    (path,) = tmp_path.glob("arrays-*.safetensors")
    assert np.allclose(np.linalg.norm(storage.load_file(path)["vectors"], axis=1), 1)
    assert built(TOWN)[0].fingerprint == ""
