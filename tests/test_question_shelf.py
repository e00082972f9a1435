"""A visitor's documents: added, replaced, refused one by one, removed; and the endpoints of the page, over a stand-in."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file

from apps import shelf
from apps.shelf import Shelf
from tasks.core.errors import InputError
from tests.answering import SECRET, Shelves, embed
from tests.document_files import pdf

PAGE = "questions", "Answer"
FERRY = "The ferry to Halden costs 35 crowns. It sails at nine.\n"
GARDEN = "The garden of Tarrin has 140 pupils.\n"


def made(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def happened(held: Shelf) -> dict[str, str]:
    return {name: row.action for name, row in held.rows.items()}


def test_files_are_added_replaced_and_left_alone(tmp_path: Path) -> None:
    held = Shelf()
    ferry, garden = made(tmp_path, "ferry.txt", FERRY), made(tmp_path, "garden.md", GARDEN)
    held.add([ferry], Shelves)
    assert happened(held) == {"ferry.txt": "added"}
    held.add([str(garden)], Shelves)
    assert happened(held) == {"ferry.txt": "kept", "garden.md": "added"}
    made(tmp_path, "ferry.txt", FERRY.replace("35", "40"))
    held.add([ferry, garden], Shelves)
    assert happened(held) == {"ferry.txt": "replaced", "garden.md": "unchanged"}
    assert "40" in held.library.index.document("ferry.txt").text and held.problems == []


def test_adding_a_file_does_not_index_the_others_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, embedded = Shelf(), list[str]()
    monkeypatch.setattr("tests.answering.embed", lambda texts: embedded.extend(texts) or embed(texts))
    held.add([made(tmp_path, "ferry.txt", FERRY)], Shelves)
    first, library = list(embedded), held.library
    held.add([made(tmp_path, "garden.md", GARDEN)], Shelves)
    assert held.library is library and embedded[: len(first)] == first and embedded[len(first) :] == [GARDEN.strip()]


def test_progress_goes_from_nothing_to_all(tmp_path: Path) -> None:
    told: list[tuple[int, int, str, str]] = []
    files = [made(tmp_path, name, FERRY + name) for name in ("a.txt", "b.txt")]
    Shelf().add(files, Shelves, lambda *each: told.append(each))
    assert told == [
        (0, 2, "Reading a.txt", "files"),
        (1, 2, "Reading b.txt", "files"),
        (2, 2, "Reading", "files"),
        (0, 2, "Indexing", "documents"),
        (2, 2, "Indexing", "passages"),
    ]


def test_a_file_that_can_not_be_read_is_a_sentence_and_the_others_are_served(tmp_path: Path) -> None:
    held = Shelf()
    broken = [made(tmp_path, "broken.pdf", b"nonsense"), made(tmp_path, "empty.txt", b""), made(tmp_path, "pic.txt", b"\x89PNG\r\n")]
    held.add([*broken, made(tmp_path, "two.pdf", pdf("The ferry costs 35.", "", "It sails to Halden."))], Shelves)
    assert happened(held) == {"two.pdf": "added"} and held.rows["two.pdf"].blank == (2,)
    assert len(held.problems) == 3 and all(f"{path.name!r}" in said for path, said in zip(broken, held.problems, strict=True))
    held.add([made(tmp_path, "garden.md", GARDEN)], Shelves)
    assert held.problems == []  # they are told once


def test_only_broken_files_load_no_model_and_keep_the_rest(tmp_path: Path) -> None:
    def nothing() -> Any:
        raise AssertionError("loaded")

    held = Shelf()
    held.add([made(tmp_path, "broken.pdf", b"nonsense")], nothing)
    assert not held.rows and len(held.problems) == 1 and not held.busy


def test_the_same_file_twice_and_two_of_one_name(tmp_path: Path) -> None:
    held = Shelf()
    one, other = made(tmp_path, "note.txt", FERRY), made(tmp_path / "b", "note.txt", GARDEN)
    held.add([one, one, other], Shelves)
    assert happened(held) == {"note.txt": "added", "note (2).txt": "added"}
    assert held.problems == ["'note.txt' was given twice: it was read once."]


def test_no_files_and_too_many(tmp_path: Path) -> None:
    for paths in ([], None):
        with pytest.raises(InputError, match="There are no files yet: drop some"):
            Shelf().add(paths, Shelves)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="These are 51 files; the page takes up to 50"):
        Shelf().add([tmp_path / "a.txt"] * 51, Shelves)


def test_a_library_is_no_larger_than_the_page_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Shelf()
    monkeypatch.setattr(shelf, "MAX_CHARACTERS", 70)
    held.add([made(tmp_path, "a.txt", FERRY), made(tmp_path, "b.txt", GARDEN)], Shelves)
    assert happened(held) == {"a.txt": "added"} and "'b.txt' was left out: all documents would have 92 characters" in held.problems[0]
    held.add([made(tmp_path, "a.txt", GARDEN)], Shelves)
    assert happened(held) == {"a.txt": "replaced"}  # what is replaced makes room
    monkeypatch.setattr(shelf, "MAX_FILES", 1)
    held.add([made(tmp_path, "c.txt", "Tarrin")], Shelves)
    assert "there are up to 1 documents" in held.problems[0] and happened(held) == {"a.txt": "kept"}


def test_removing_and_starting_anew(tmp_path: Path) -> None:
    held = Shelf()
    held.add([made(tmp_path, "ferry.txt", FERRY), made(tmp_path, "garden.md", GARDEN)], Shelves)
    held.remove("ferry.txt")
    assert happened(held) == {"garden.md": "kept"} and held.library.names == ("garden.md",)
    with pytest.raises(InputError, match="Choose the document to remove"):
        held.remove("ferry.txt")
    held.clear()
    assert (held.library, held.rows, held.problems) == (None, {}, [])


def test_a_second_change_while_one_runs_is_a_sentence(tmp_path: Path) -> None:
    held, reading, go_on = Shelf(), threading.Event(), threading.Event()
    path = made(tmp_path, "ferry.txt", FERRY)

    def wait(*_: Any) -> None:
        reading.set()
        assert go_on.wait(60)

    first = threading.Thread(target=held.add, args=([path], Shelves, wait))
    first.start()
    assert reading.wait(60) and held.busy
    for second in (lambda: held.add([path], Shelves), lambda: held.remove("ferry.txt"), held.clear):
        with pytest.raises(InputError, match="still being read: wait until the bar is full"):
            second()
    go_on.set()
    first.join()
    assert happened(held) == {"ferry.txt": "added"} and not held.busy


def test_a_shelf_is_free_again_after_a_failure(tmp_path: Path) -> None:
    def fail() -> Any:
        raise RuntimeError

    held, path = Shelf(), made(tmp_path, "ferry.txt", FERRY)
    with pytest.raises(RuntimeError):
        held.add([path], fail)
    held.add([path], Shelves)
    assert happened(held) == {"ferry.txt": "added"}


# ---------------------------------------------------------------------------------------------- endpoints


def test_two_endpoints_are_public_and_say_what_they_take(client: Client) -> None:
    api = client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict)
    points = api["named_endpoints"]
    assert sorted(points) == ["/answer_from_documents", "/answer_question"]
    taken = {name: [each["parameter_name"] for each in point["parameters"]] for name, point in points.items()}
    assert taken == {"/answer_question": ["question", "context", "top_k"], "/answer_from_documents": ["question", "files", "top_k"]}
    defaults = {name: point["parameters"][2]["parameter_default"] for name, point in points.items()}
    assert defaults == {"/answer_question": 1, "/answer_from_documents": 3}
    assert all("does not say" in point["description"] or "do not say" in point["description"] for point in points.values())


def test_answer_question(client: Client) -> None:
    text = "🌊 Ada Osei founded the Volta Trust in 2011."
    (best,) = client.predict("Who founded the Volta Trust?", text, api_name="/answer_question")["answers"]
    assert (best["answer"], text[best["start"] : best["end"]], best["document"]) == ("Ada Osei", "Ada Osei", None)
    told = client.predict("Who founded the Volta Trust?", text, 10, api_name="/answer_question")
    assert [each["answer"] for each in told["answers"]] == ["Ada Osei", "2011", ""] and 0 < told["no_answer_score"] < 0.5
    blank = client.predict("Who?", "  ", api_name="/answer_question")
    assert (blank["answers"][0]["answer"], blank["coverage"]) == ("", {"read": 2, "total": 2})


def test_answer_from_documents(client: Client, tmp_path: Path) -> None:
    files = [
        made(tmp_path, "ferry.pdf", pdf("Nothing is here.", FERRY.strip())),
        made(tmp_path, "b.pdf", b"nonsense"),
        made(tmp_path, "garden.md", GARDEN),
    ]
    told = client.predict("What costs the ferry to Halden?", [handle_file(str(path)) for path in files], api_name="/answer_from_documents")
    best = told["answers"][0]
    assert (best["answer"], best["document"]["name"], best["document"]["page"]) == ("35", "ferry.pdf", 2)
    passage = best["document"]["passage"]
    assert passage["text"][best["start"] - passage["start"] :].startswith("35")
    assert len(told["problems"]) == 1 and "'b.pdf' is damaged or no PDF" in told["problems"][0]
    alone = client.predict("What costs the ferry?", [handle_file(str(files[2]))], 1, api_name="/answer_from_documents")
    assert [each["document"]["name"] for each in alone["answers"] if each["answer"]] in ([], ["garden.md"])  # nothing was kept


@pytest.mark.parametrize(
    ("endpoint", "arguments", "message"),
    [
        ("/answer_question", ("Who?", "x" * 200_001), "has 200,001 characters; the page reads up to 200,000"),
        ("/answer_question", (" ", "x"), "There is no question yet"),
        ("/answer_question", ("Who?", 5), "The text must be a string"),
        ("/answer_question", ("Who?", "x", "many"), "must be a whole number from 1 to 10; it is 'many'"),
        ("/answer_question", ("explode", "x"), "Sorry, something went wrong on our side"),
        ("/answer_from_documents", ("Who?", []), "There are no files yet"),
        ("/answer_from_documents", ("Who?", None), "There are no files yet"),
        ("/answer_from_documents", ("x" * 301, []), "has 301 characters"),
        ("/answer_from_documents", ("Who?", [], 11), "must be a whole number from 1 to 10"),
    ],
)
def test_wrong_calls_become_sentences(client: Client, endpoint: str, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        client.predict(*arguments, api_name=endpoint)
    assert "Traceback" not in str(refused.value) and SECRET not in str(refused.value)


def test_only_broken_files_are_their_sentences(client: Client, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=re.escape("'b.pdf' is damaged or no PDF")):
        client.predict("Who?", [handle_file(str(made(tmp_path, "b.pdf", b"nonsense")))], api_name="/answer_from_documents")


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../../etc/passwd", "/proc/self/environ", str(Path(__file__).resolve())])
def test_a_file_of_this_machine_is_no_upload(address: str, path: str) -> None:
    """Told by hand, for the client would upload it first."""
    call = f"{address}gradio_api/call/answer_from_documents"
    named = {"path": path, "meta": {"_type": "gradio.FileData"}}
    number = httpx.post(call, json={"data": ["Who is root?", [named], 3]}).json()["event_id"]
    said = httpx.get(f"{call}/{number}", timeout=60).text
    assert "event: error" in said and "passage" not in said and "no_answer_score" not in said
