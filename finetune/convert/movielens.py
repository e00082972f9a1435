"""MovieLens and files of its form: films with genres and users' tags, and ratings with their time (Harper and Konstan 2015).

F. Maxwell Harper, Joseph A. Konstan: "The MovieLens Datasets: History and Context", ACM TiiS 2015. Licence: the data sets' own, which
allows research and forbids passing them on; the files are on GroupLens's site. Give ``movies.csv`` (or ``movies.dat`` of the older
sets) for the items (``tags.csv`` or ``tags.dat`` beside it brings users' tags), or ``ratings.csv`` (``ratings.dat``) for the ratings.

Original layout: CSV files with a header, or in the older sets (1M, 10M) the same columns with ``::`` between them, no header, and
Latin-1 letters::

    movies.csv   movieId,title,genres      1,Toy Story (1995),Adventure|Animation
    ratings.csv  userId,movieId,rating,timestamp
    tags.csv     userId,movieId,tag,timestamp

Rows: ``{"item_id", "title", "creators": [], "year", "tags": [...]}`` for each film, with the genres and the tags that two users or
more gave, the commonest; ``{"user_id", "item_id", "rating", "timestamp"}`` for each rating, each user's in order of time.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from finetune.convert._reading import Row, located, records, refusal
from tasks.core.errors import FileError

LAYOUT = "MovieLens"
MOST = 12  # tags of users that a film keeps, beside its genres
FILMS, RATINGS, TAGS = (
    ("movieId", "title", "genres"),
    ("userId", "movieId", "rating", "timestamp"),
    ("userId", "movieId", "tag", "timestamp"),
)
NO_GENRES = "(no genres listed)"
_YEAR = re.compile(r"\s*\((\d{4})\)\s*$")


def convert(path: Path) -> Iterator[Row]:
    """Rows of films or of ratings, by the file's name; raises ``FileError`` for anything else."""
    if path.stem == "ratings":
        yield from _ratings(path)
    elif path.stem == "movies":
        yield from _films(path)
    else:
        raise refusal(path, "its name", "it is neither movies.csv nor ratings.csv, nor one of these as .dat", LAYOUT)


def _films(path: Path) -> Iterator[Row]:
    tags = _tags(path.with_stem("tags"))
    for number, cells in _cells(path, FILMS):
        with located(path, number, LAYOUT):
            year = _YEAR.search(cells["title"])
            genres = [] if cells["genres"] == NO_GENRES else [each.lower() for each in cells["genres"].split("|") if each]
            row: Row = {
                "item_id": cells["movieId"],
                "title": _YEAR.sub("", cells["title"]).strip(),
                "creators": [],
                "year": int(year[1]) if year else None,
                "tags": list(dict.fromkeys([*genres, *tags.get(cells["movieId"], [])])),
            }
        yield row


def _tags(path: Path) -> dict[str, list[str]]:
    """Tags of each film that several users gave, the commonest first; none where there is no such file."""
    if not path.exists():
        return {}
    users: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for _, cells in _cells(path, TAGS):
        users[cells["movieId"]][" ".join(cells["tag"].lower().split())].add(cells["userId"])
    counts = {film: Counter({tag: len(who) for tag, who in of.items() if tag and len(who) > 1}) for film, of in users.items()}
    return {film: [tag for tag, _ in count.most_common(MOST)] for film, count in counts.items()}


def _ratings(path: Path) -> Iterator[Row]:
    """The files hold the users one after the other, so one user's ratings are all that is sorted at once."""
    seen: set[str] = set()
    for user, group in groupby(_rated(path), key=lambda row: str(row["user_id"])):
        if user in seen:
            raise FileError(f"{path}: the ratings of user {user!r} stand apart; sort the file by user first.")
        seen.add(user)
        yield from sorted(group, key=lambda row: row["timestamp"])


def _rated(path: Path) -> Iterator[Row]:
    for number, cells in _cells(path, RATINGS):
        with located(path, number, LAYOUT):
            rating, time = float(cells["rating"]), int(cells["timestamp"])
            row: Row = {"user_id": cells["userId"], "item_id": cells["movieId"], "rating": rating, "timestamp": time}
        yield row


def _cells(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The records of a file of either form, with the numbers of their lines."""
    if path.suffix != ".dat":
        yield from records(path, columns, LAYOUT)
        return
    try:
        with path.open(encoding="latin-1", newline="\n") as file:
            for number, line in enumerate(file, 1):
                cells = line.rstrip("\r\n").split("::")
                if len(cells) != len(columns):
                    raise refusal(path, number, f"it has {len(cells)} fields, not {len(columns)}", LAYOUT)
                yield number, dict(zip(columns, cells, strict=True))
    except OSError as error:
        raise FileError(f"{path} can't be read ({error.strerror}): give an original file of the data set.") from error
