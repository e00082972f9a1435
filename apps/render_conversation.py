"""The chat of the conversation page as HTML: who said what, what is recommended, and what an answer rests on. Pure functions.

A chat message is Markdown to its component, so that even a picture's address in it would be asked from elsewhere. Therefore every sign of
what is not ours is written as a number (``safe``), which is neither markup nor Markdown, and no message holds a line break.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from apps.render_questions import percent
from apps.render_recommendation import LEAST, sendable
from tasks.conversation.types import Act, Turn

YOU, AGENT, PAGE = "You", "Quipu", "This page"
WAITING = "Thinking …"
SHOWN_AS_TEXT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ")
PASSAGE = 700  # characters of a passage; around the answer, where that is longer
TOLD = "You said this in message"
LIKED, TAG, WORDS = "because you like", "tag", "your words"


def safe(words: str) -> str:
    """``words`` as HTML that Markdown leaves alone."""
    made = (sign if sign in SHOWN_AS_TEXT or ord(sign) > 127 else f"&#{ord(sign)};" for sign in sendable(words).replace("\r\n", "\n"))
    return "".join(made).replace("&#10;", "<br>").replace("&#13;", "<br>").replace("&#0;", "")


def user(words: str) -> str:
    """A message of the user."""
    return f'<div class="said" translate="no"><b class="who">{YOU}</b><div class="words">{safe(words)}</div></div>'


def waiting() -> str:
    """In place of a reply that is being made."""
    return f'<div class="said pending"><b class="who">{AGENT}</b><div class="words">{WAITING}</div></div>'


def page_note(words: str) -> str:
    """A sentence of the page in the chat, which nobody said; it may name what a user wrote."""
    return f'<div class="said page"><b class="who">{PAGE}</b><div class="words">{safe(words)}</div></div>'


def agent(turn: Turn) -> str:
    """A reply: the sentences of each act, and below them its list or its evidence."""
    words = " ".join(turn.reply.split())
    acts = turn.acts if words == " ".join(" ".join(act.text for act in turn.acts).split()) else ()
    told = "".join(f'<div class="act {act.kind}"><p>{safe(act.text)}</p>{offered(act.items)}{rested(act)}</div>' for act in acts)
    if not told:  # an agent may say it in other words than those of its acts
        told = f'<div class="act"><p>{safe(turn.reply)}</p>' + "".join(offered(act.items) + rested(act) for act in turn.acts) + "</div>"
    return f'<div class="said" translate="no"><b class="who">{AGENT}</b><div class="words">{told}</div></div>'


def offered(items: Sequence[Mapping[str, Any]]) -> str:
    """Recommended items, each with why."""
    lines = "".join(f"<li>{_titled(item)}{_score(item.get('score'))}{_why(item.get('because'))}</li>" for item in items)
    return f'<ol class="offered">{lines}</ol>' if lines else ""


def _titled(item: Mapping[str, Any]) -> str:
    by = f' <span class="by">{safe(str(item["by"]))}</span>' if item.get("by") else ""
    return f"<b>{safe(str(item.get('title') or item.get('item_id') or ''))}</b>{by}"


def _score(score: Any) -> str:
    return f' <span class="score">{percent(score)}</span>' if isinstance(score, int | float) else ""


def _why(because: Any) -> str:
    if isinstance(because, str):
        because = [because]
    told = [_reason(each) for each in because or [] if not isinstance(each, Mapping) or each.get("share", 1) >= LEAST]
    return f'<span class="why">{" · ".join(told)}</span>' if told else ""


def _reason(why: Any) -> str:
    """A reason in words: a sentence as it is, a reason of the recommender by its kind."""
    if not isinstance(why, Mapping):
        return safe(str(why))
    name = safe(str(why.get("name", "")))
    return {"item": f"{LIKED} <b>{name}</b>", "tag": f"{TAG} <b>{name}</b>"}.get(str(why.get("kind")), f"{WORDS} <b>{name}</b>")


def rested(act: Act) -> str:
    """The evidence of an answer: the passage with the answer marked, and where it stands."""
    return "".join(_evidence(each) for each in act.evidence)


def _evidence(found: Mapping[str, Any]) -> str:
    passage, answer = str(found.get("passage") or ""), str(found.get("answer") or "")
    where = f"{place(found)}{_score(found.get('score'))}"
    return f'<figure class="rests"><figcaption>{where}</figcaption><blockquote>{_marked(passage, answer)}</blockquote></figure>'


def place(found: Mapping[str, Any]) -> str:
    """``report.pdf, page 3``, or the message in which the user said it."""
    if found.get("document"):
        page = f", page {found['page']}" if found.get("page") else ""
        return f"<cite>{safe(str(found['document']) + page)}</cite>"
    return f"<cite>{TOLD} {int(found['turn']) + 1}</cite>" if isinstance(found.get("turn"), int) else ""


def _marked(passage: str, answer: str) -> str:
    """The passage around the answer, which is marked."""
    start = _find(passage, answer) if answer else -1
    if start < 0:
        return safe(passage[:PASSAGE]) + (" …" if len(passage) > PASSAGE else "")
    end, room = start + len(answer), max(0, PASSAGE - len(answer)) // 2
    first, last = max(0, start - room), min(len(passage), end + room)
    before = ("… " if first else "") + safe(passage[first:start])
    after = safe(passage[end:last]) + (" …" if last < len(passage) else "")
    return f'{before}<mark class="best">{safe(passage[start:end])}</mark>{after}'


def _find(passage: str, answer: str) -> int:
    """Where the answer stands, as words of their own rather than within one; -1 where it does not."""
    for pattern in (rf"(?<!\w){re.escape(answer)}(?!\w)", re.escape(answer)):
        if found := re.search(pattern, passage, re.IGNORECASE):
            return found.start()
    return -1
