"""Recommendations -> payloads of the page's components: pure functions, no state, no gradio. All HTML here is escaped here."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from apps.render import folding_table, plural, quoted, safe_cell
from apps.wishes import Wish
from tasks.core.files import to_json
from tasks.recommendation.types import Item, Reason, Recommendation, RecommendationResult

ABOUT = 280  # characters of a description on a card
CHIPS = 6  # tags on a card
LEAST = 0.01  # share of a reason that is worth a word
LISTED = 20  # items of a visitor's catalogue in the table
SENTENCES = re.compile(r".+?[.!?…](?=\s|$)", re.DOTALL)
FIELDS = ["rank", "item_id", "title", "creators", "year", "score", "because"]
EMPTY = "Name something you like, or write what you feel like."
NOTHING_READ = '<div class="read"><p class="none">Nothing has been read yet.</p></div>'
UNFIT = "Nothing in the catalogue fits: widen the years, take out a tag, or say it in other words."
UNKNOWN = "Nothing in the catalogue fits: say it in other words, or name something you like."
HEADERS = ["Title", "By", "Year", "Tags", "Rated by"]


def sendable(words: str) -> str:
    """``words`` with a question mark for half an emoji, which can't be sent to a browser."""
    return words.encode("utf-8", "replace").decode("utf-8")


def text(words: str) -> str:
    """``words`` as HTML."""
    return html.escape(sendable(words))


def name_of(item: Item) -> str:
    """The title, or what stands for one."""
    return item.title or item.item_id


def label(item: Item) -> str:
    """``Kind of Blue — Miles Davis (1959)``."""
    by = f" — {item.by}" if item.creators else ""
    year = "" if item.year is None else f" ({item.year})"
    return sendable(f"{name_of(item)}{by}{year}")


def choices(items: Sequence[Item]) -> list[tuple[str, str]]:
    """What a box to choose items from lists."""
    return [(label(item), item.item_id) for item in items]


def percent(share: float) -> str:
    """A share as a figure, a small one with a digit more."""
    if share < 0.001:
        return "under 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"


def chance(score: float) -> str:
    """A probability as a figure that never claims to be certain."""
    return "over 99 %" if score >= 0.995 else percent(score)


def note(words: str) -> str:
    """A sentence of ours in place of a list: what is missing, and what to do."""
    return f'<p class="reply note" role="status" tabindex="-1">{html.escape(words)}</p>'


def first_sentences(description: str, most: int = ABOUT) -> str:
    """As many whole sentences as fit, at least the beginning of the first."""
    words = " ".join(description.split())
    if len(words) <= most:
        return words
    kept = ""
    for sentence in SENTENCES.findall(words):
        if len(kept) + len(sentence) > most:
            break
        kept += sentence
    return kept.strip() or words[:most].rsplit(" ", 1)[0] + " …"


def told(wish: Wish, result: RecommendationResult, total: int) -> str:
    """What the list is of, in a sentence."""
    from_ = [f"{len(wish.likes):,} you like"] if wish.likes else []
    from_ += [f"{len(wish.dislikes):,} you don't" + " like" * (not wish.likes)] if wish.dislikes else []
    from_ += ["your words"] if wish.words else []
    named = " and ".join([", ".join(from_[:-1]), from_[-1]] if from_[1:] else from_)
    few = "; no more fit the filters" if wish.filtered and len(result.items) < wish.k else ""
    return f"{len(result.items):,} of {plural(total, 'item')}, from {named}{few}."


def reason(why: Reason, liked: Sequence[str] = ()) -> str:
    """``because you like Kind of Blue 62 %``, as HTML; what is not on the list of what is ``liked`` was named in words."""
    words = {
        "item": f'because you {"like" if why.item_id in liked else "named"} <b translate="no">{text(why.name)}</b>',
        "tag": f'tag <b translate="no">{text(why.name)}</b>',
        "words": "your words",
    }[why.kind]
    return f'<li class="{why.kind}">{words} <span>{percent(why.share)}</span></li>'


def cards(result: RecommendationResult, items: Mapping[str, Item], liked: Sequence[str] = (), steered: bool = True) -> str:
    """The list; the bars compare with the best score, the figures say what it is. ``steered``: with buttons for more and less of it."""
    best = max((each.score for each in result.items), default=0.0) or 1.0
    made = "".join(_card(each, n, items[each.item_id], each.score / best, liked, steered) for n, each in enumerate(result.items, 1))
    return f'<ol class="picks">{made}</ol>'


def _card(pick: Recommendation, rank: int, item: Item, part: float, liked: Sequence[str], steered: bool) -> str:
    by = " · ".join(text(each) for each in (item.by, "" if item.year is None else str(item.year)) if each)
    about = first_sentences(item.description)
    chips = "".join(f'<li translate="no">{text(tag)}</li>' for tag in item.tags[:CHIPS])
    why = "".join(reason(each, liked) for n, each in enumerate(pick.because) if n == 0 or each.share >= LEAST)
    return (
        f'<li data-n="{rank}" tabindex="-1"><div class="top"><b class="rank">{rank}</b><div><h3 translate="no">{text(name_of(item))}</h3>'
        + (f'<p class="by" translate="no">{by}</p>' if by else "")
        + f'</div><p class="score" title="How likely it is that you take it up"><span class="bar" aria-hidden="true">'
        f'<i style="width:{100 * part:.1f}%"></i></span>{chance(pick.score)}</p></div>'
        + (f'<p class="about" translate="no">{text(about)}</p>' if about else "")
        + (f'<ul class="chips" aria-label="Tags">{chips}</ul>' if chips else "")
        + (f'<ul class="why" aria-label="Why">{why}</ul>' if why else "")
        + (f'<div class="steer">{steering(item)}</div></li>' if steered else "</li>")
    )


def steering(item: Item, more: str = "More like this", less: str = "Less like this") -> str:
    """Two buttons that put an item on one of the visitor's lists."""
    item_id, name = text(item.item_id), text(name_of(item))
    return "".join(
        f'<button type="button" data-steer="{way}" data-id="{item_id}" aria-label="{words}: {name}">{words}</button>'
        for way, words in (("more", more), ("less", less))
    )


def found(items: Sequence[Item]) -> str:
    """What a search found, each with two buttons."""
    if not items:
        return '<p class="found none" role="status">Nothing has such a title or creator.</p>'
    named = [(f'<span translate="no">{text(label(item))}</span>', steering(item, "Like", "Dislike")) for item in items]
    lines = "".join(f"<li>{name}<span>{buttons}</span></li>" for name, buttons in named)
    return f'<ul class="found" aria-label="Found">{lines}</ul>'


def reply(wish: Wish, result: RecommendationResult, items: Mapping[str, Item], drawn: str) -> str:
    """All that the page shows of a list; ``drawn`` is the map."""
    if not result.items:
        return note(UNFIT if wish.filtered else UNKNOWN)
    how = '<p class="how">A figure beside a reason is its part in what raised the score: without it the item would stand lower.</p>'
    said = f'<p class="told" role="status" tabindex="-1">{html.escape(told(wish, result, len(items)))}</p>'
    return f'<div class="recommended">{said}{drawn}{cards(result, items, wish.likes)}{how}</div>'


# ---------------------------------------------------------------------------------------------- files to take home


def plain(result: RecommendationResult, items: Mapping[str, Item]) -> dict[str, Any]:
    """The result as plain data, each item with its creators and its year."""
    made: dict[str, Any] = result.to_dict()
    for row in made["items"]:
        item = items[row["item_id"]]
        row |= {"creators": list(item.creators), "year": item.year, "because": list(row["because"])}
    return {**made, "items": list(made["items"])}


def to_csv(result: RecommendationResult, items: Mapping[str, Item]) -> str:
    """The list as a table; no cell of it is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for rank, pick in enumerate(result.items, 1):
        item = items[pick.item_id]
        why = "; ".join(f"{each.kind} {each.name} {percent(each.share)}" for each in pick.because)
        cells = [rank, pick.item_id, pick.title, item.by, item.year, f"{pick.score:.4f}", why]
        writer.writerow(["" if cell is None else safe_cell(cell) for cell in cells])
    return sendable(out.getvalue())


def to_text(result: RecommendationResult, items: Mapping[str, Item]) -> str:
    """The list as JSON."""
    return to_json(plain(result, items), indent=2) + "\n"


# ---------------------------------------------------------------------------------------------- a visitor's catalogue


def catalogue(name: str, items: Sequence[Item], rated: Sequence[int]) -> str:
    """What was read, in a sentence, and a table of the first items; ``rated``: how many users rated each."""
    bare = sum(not item.description for item in items)
    parts = [plural(len(items), "item")]
    parts += [plural(sum(rated), "rating")] if any(rated) else ["no ratings"]
    words = f"{name}: {' and '.join(parts)}." + (f" {bare:,} have no description." if 0 < bare < len(items) else "")
    rows = [_row(item, count) for item, count in zip(items[:LISTED], rated[:LISTED], strict=True)]
    more = f"{words} The first {LISTED}:" if len(items) > LISTED else words
    return f'<div class="read">{folding_table(HEADERS, rows, more)}</div>'


def _row(item: Item, rated: int) -> list[str]:
    tags = ", ".join(item.tags[:CHIPS]) + (" …" if len(item.tags) > CHIPS else "")
    year = "" if item.year is None else str(item.year)
    return [f'<b translate="no">{text(name_of(item))}</b>', *(quoted(sendable(each)) for each in (item.by, year, tags)), f"{rated:,}"]
