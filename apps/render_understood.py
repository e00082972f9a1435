"""What the agent understood, as HTML and as a graph: facts, preferences, events, and the last message. Pure functions; all is escaped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

from apps import render_relations
from apps.render import plural
from apps.render_conversation import rested
from apps.render_questions import percent
from apps.render_recommendation import text
from tasks.conversation.state import Item, State
from tasks.conversation.types import KINDS, USER, EventNote, Extraction, Fact, Preference, Source, Turn
from tasks.relation_extraction.graph import Edge, Evidence, Graph, Node

NOTHING = "Nothing yet. Tell who and what you know, what you like, what happened: it will appear here."
NO_MESSAGE = "What was read in your last message will appear here."
USED = "It used what you told:"
NO_EVIDENCE = "What the last answer rests on will appear here."
BY_HAND = "You corrected this by hand."
NEW = "new"
HEADINGS = {"facts": "Facts", "preferences": "Preferences", "events": "Events"}
NONE = {"facts": "No facts yet.", "preferences": "No likes or dislikes yet.", "events": "No events yet."}
SIDES = {("taste", 1): "like", ("taste", -1): "dislike", ("proposal", 1): "are for", ("proposal", -1): "are against"}
DRAWN = {("taste", 1): "likes", ("taste", -1): "dislikes", ("proposal", 1): "for", ("proposal", -1): "against"}
SIGNS = {1: "+", -1: "−"}
YOU = "you"
EVENT = "event"  # in the graph all types of events look alike, for each would be a filter of its own
EVENT_COLOR = "#8a4fbf"  # as in the list; legible under white and on both pages


def said_of(item: Item, state: State) -> str:
    """An item in plain words, for labels of buttons and for the status line."""
    if isinstance(item, Fact):
        return f"{state.entity(item.head).name} {item.type} {state.entity(item.tail).name}"
    if isinstance(item, Preference):
        return f"{YOU} {SIDES[item.about, item.sign]} {item.target}"
    return f"{item.type}: {item.trigger}"


def where_from(source: Source | None) -> str:
    """Which message an item comes from, and its exact words."""
    if source is None:
        return BY_HAND
    return f'Message {source.turn + 1:,}: <q translate="no">{text(source.text)}</q>'


# ------------------------------------------------------------------------------------------------ facts, preferences, events


def items(state: State, new: Collection[str] = (), done: str = "", undo: bool = False) -> str:
    """The lists with their buttons; ``done`` says what was just done by hand, ``undo`` whether it can be undone."""
    back = ' <button type="button" data-do="undo">Undo</button>' if undo else ""
    status = f'<p class="done" role="status" tabindex="-1">{text(done)}{back}</p>' if done else '<p class="done" role="status"></p>'
    if not state.items:
        return f'<div class="understood">{status}<p class="none">{NOTHING}</p></div>'
    return f'<div class="understood">{status}{"".join(_list(kind, state, new) for kind in HEADINGS)}</div>'


def _list(kind: str, state: State, new: Collection[str]) -> str:
    found: Sequence[Item] = getattr(state, kind)
    lines = "".join(_line(each, state, each.id in new) for each in found)
    # The count stands in an element of its own, so that the heading stays one of the page's own words.
    head = f"<h3><span>{HEADINGS[kind]}</span> <small>{len(found):,}</small></h3>"
    body = f'<ul class="{kind}">{lines}</ul>' if lines else f'<p class="none">{NONE[kind]}</p>'
    return f"<section>{head}{body}</section>"


def _line(item: Item, state: State, new: bool) -> str:
    badge = f' <em class="badge">{NEW}</em>' if new else ""
    name, key = text(said_of(item, state)), text(item.id)
    buttons = "".join(
        f'<button type="button" data-do="{do}" aria-label="{words}: {name}">{words}</button>'
        for do, words in (("correct", "Correct"), ("delete", "Delete"))
    )
    return (
        f'<li data-id="{key}" {_editable(item, state)} tabindex="0" class="thing{" new" if new else ""}" aria-describedby="from-{key}">'
        f'<div class="line"><div class="what" translate="no">{_what(item, state)}{badge}</div>{_measure(item)}'
        f'<div class="hand">{buttons}</div></div><p class="from" id="from-{key}">{where_from(item.source)}</p></li>'
    )


def _editable(item: Item, state: State) -> str:
    """What the form for a correction begins with."""
    if isinstance(item, Preference):
        return f'data-kind="preference" data-sign="{item.sign}" data-value="{text(item.target)}"'
    value = state.entity(item.tail).name if isinstance(item, Fact) else item.type
    return f'data-kind="{"fact" if isinstance(item, Fact) else "event"}" data-value="{text(value)}"'


def _what(item: Item, state: State) -> str:
    if isinstance(item, Fact):
        head, tail = state.entity(item.head), state.entity(item.tail)
        return f"<b>{text(head.name)}</b> <span>{text(item.type)}</span> <b>{text(tail.name)}</b>"
    if isinstance(item, Preference):
        sign = f'<span class="sign" aria-hidden="true">{SIGNS[item.sign]}</span> '
        return f"{sign}<span>{YOU} {SIDES[item.about, item.sign]}</span> <b>{text(item.target)}</b>"
    return f"<b>{text(item.type)}</b> <span>“{text(item.trigger)}”</span>{_circumstances(item)}"


def _circumstances(event: EventNote) -> str:
    told = [f"<span>{name}</span> <b>{text(value)}</b>" for name, value in (("where", event.where), ("when", event.when)) if value]
    return f'<div class="circumstances">{" · ".join(told)}</div>' if told else ""


def _measure(item: Item) -> str:
    """How sure a fact or an event is; how strong a preference is, as a bar to its side."""
    if not isinstance(item, Preference):
        return f'<span class="score" title="How likely you said this">{percent(item.score)}</span>'
    side = "like" if item.sign > 0 else "dislike"
    bar = f'<span class="strength {side}" aria-hidden="true"><i style="width:{50 * item.strength:.1f}%"></i></span>'
    return f'{bar}<span class="score" title="How strongly">{percent(item.strength)}</span>'


# ------------------------------------------------------------------------------------------------ the last message


def read(found: Extraction | None) -> str:
    """The kinds of the last message with their probabilities, and the message with what was read in it."""
    if found is None:
        return f'<div class="heard"><p class="none">{NO_MESSAGE}</p></div>'
    kinds = "".join(
        f'<li title="{text(KINDS.get(name, ""))}"><span>{text(name)}</span> <span class="score">{percent(score)}</span></li>'
        for name, score in sorted(found.kinds.items(), key=lambda pair: -pair[1])
    )
    chips = f'<ul class="kinds" aria-label="Kinds of the message">{kinds}</ul>' if kinds else ""
    marked = f'<p class="words" translate="no">{_marked(found)}</p>'
    return f'<div class="heard">{chips}{marked}{_stated(found)}{_stance(found)}</div>'


def _spans(found: Extraction) -> list[tuple[int, int, str, str]]:
    """(start, end, class, word) of what is highlighted, what matters most first."""
    spans = [(each.target.start, each.target.end, "like" if each.sign > 0 else "dislike", "") for each in found.tastes]
    spans += [(each.trigger.start, each.trigger.end, "event", each.type) for each in found.events]
    return spans + [(each.span.start, each.span.end, "named", render_relations.looks(each.type)[0]) for each in found.things]


def _marked(found: Extraction) -> str:
    """The message with its things marked; where two overlap, the more telling one is."""
    spans = _spans(found)
    cuts = sorted({0, len(found.text), *(cut for span in spans for cut in span[:2])})
    pieces: list[str] = []
    for start, end in pairwise(cuts):
        words = text(found.text[start:end])
        span = next((each for each in spans if each[0] <= start and end <= each[1]), None)
        if span is None:
            pieces.append(words)
            continue
        kind, name = span[2], {"like": SIGNS[1], "dislike": SIGNS[-1]}.get(span[2], span[3])
        badge = f"<small>{text(name)}</small>" if end == span[1] else ""
        pieces.append(f'<mark class="{kind}">{words}{badge}</mark>')
    return "".join(pieces)


def _stated(found: Extraction) -> str:
    told = "".join(
        f"<li><b>{text(each.head.text)}</b> <span>{text(each.type)}</span> <b>{text(each.tail.text)}</b> "
        f'<span class="score">{percent(each.score)}</span></li>'
        for each in found.facts
    )
    return f'<ul class="stated" translate="no">{told}</ul>' if told else ""


def _stance(found: Extraction) -> str:
    if not found.stance or "label" not in found.stance:
        return ""
    score = f' <span class="score">{percent(float(found.stance["score"]))}</span>' if "score" in found.stance else ""
    return f'<p class="stance"><span>Towards the proposal:</span> <b>{text(str(found.stance["label"]))}</b>{score}</p>'


def evidence(turn: Turn | None, state: State) -> str:
    """What the last reply rests on: passages, and what the user told before."""
    passages = "".join(rested(act) for act in turn.acts) if turn else ""
    used = [state.item(key) for act in turn.acts for key in act.rests_on] if turn else []
    lines = "".join(f'<li translate="no">{text(said_of(item, state))}. {where_from(item.source)}</li>' for item in used if item)
    told = f'<p class="used">{USED}</p><ul class="stated">{lines}</ul>' if lines else ""
    return f'<div class="heard">{passages}{told}' + ("" if passages or told else f'<p class="none">{NO_EVIDENCE}</p>') + "</div>"


# ------------------------------------------------------------------------------------------------ the graph


def graph(state: State) -> dict[str, Any]:
    """The payload of the drawing: entities and facts, what the user likes and dislikes, and where and when events were."""
    draft = _Draft(state)
    for fact in state.facts:
        draft.edge(fact.head, fact.type, fact.tail, fact.score, fact.source)
    for liked in state.preferences:
        relation = DRAWN[liked.about, liked.sign]
        draft.edge(draft.you(), relation, draft.named(liked.target, "MISC"), liked.strength, liked.source)
    for event in state.events:
        at = draft.add(event.id, event.trigger, EVENT, 1)
        for name, value, kind in (("where", event.where, "LOC"), ("when", event.when, "TIME")):
            if value:
                draft.edge(at, name, draft.named(value, kind), event.score, event.source)
    made = render_relations.payload(Graph(tuple(draft.nodes.values()), tuple(draft.edges)), several=True)
    for each in [*made["nodes"], *made["types"]]:
        if each["type"] == EVENT:
            each["color"] = EVENT_COLOR
    return made


class _Draft:
    """Nodes and edges that grow; things of one name are one node."""

    def __init__(self, state: State) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.names: dict[str, str] = {}
        for each in state.entities:
            self.add(each.id, YOU if each.id == USER else each.name, each.type, max(1, len(each.mentions)))

    def add(self, key: str, name: str, kind: str, mentions: int) -> str:
        self.nodes[key] = Node(key, name, kind, mentions, ())
        self.names.setdefault(name.casefold(), key)
        return key

    def you(self) -> str:
        return USER if USER in self.nodes else self.add(USER, YOU, "PER", 1)

    def named(self, name: str, kind: str) -> str:
        return self.names.get(name.casefold()) or self.add(f"name:{name.casefold()}", name, kind, 1)

    def edge(self, head: str, relation: str, tail: str, score: float, source: Source | None) -> None:
        told = Evidence(source.text, f"message {source.turn + 1}") if source else Evidence(BY_HAND, YOU)
        self.edges.append(Edge(head, relation, tail, score, (told,)))


def summary(state: State) -> str:
    """How much was understood, in a few words."""
    return ", ".join(plural(len(getattr(state, kind)), kind.removesuffix("s")) for kind in HEADINGS)
