"""A map of a catalogue -> HTML: grey points for all items, marks for a visitor's, for the recommended, and for the visitor.

No native scatter plot: that one tells kinds apart by colour alone, has a hollow ring for each point, axes that mean nothing and figures
of twelve digits in its tooltips, and its marks can't be reached with a keyboard. This one needs no library either.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from apps.render import plural
from apps.render_recommendation import label, text
from tasks.recommendation.types import Item

MOST = 2000  # points that are drawn; more make a page slow and a map a grey block
WIDE, HIGH, GAP = 520.0, 300.0, 22.0  # what marks are kept apart for, in pixels
ROUNDS = 60
EDGE = 5.0  # percent of the map around all points
Place = tuple[float, float]
Kind = Literal["pick", "like", "dislike", "you"]
SIGNS: dict[Kind, str] = {"like": "♥", "dislike": "×", "you": "you"}
LEGEND: dict[Kind, str] = {"pick": "recommended", "like": "you like", "dislike": "you don't like"}


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that matters, at its place in [0, 1]²: its number in the catalogue (None: the visitor), its rank if it has one."""

    kind: Kind
    place: Place
    index: int | None = None
    rank: int | None = None


def draw(places: Sequence[Place], items: Sequence[Item], marks: Sequence[Mark]) -> str:
    """The map; ``places`` and ``items`` are parallel. Of a large catalogue a part is drawn, evenly through it."""
    marked = {mark.index for mark in marks if mark.index is not None}
    drawn = sample(len(items), MOST)
    dots = "".join(_dot(places[i], items[i]) for i in drawn if i not in marked)
    signs = "".join(_sign(mark, spot, items) for mark, spot in zip(marks, apart([mark.place for mark in marks]), strict=True))
    some = f"{len(drawn):,} of {plural(len(items), 'item')} are drawn, and all that matter to you." if len(drawn) < len(items) else ""
    caption = f"{_legend({mark.kind for mark in marks})}<span>What is alike lies close together. {some}</span>"
    return (
        '<figure class="map"><div class="land" role="group" aria-label="Map of the catalogue: what lies close together is alike">'
        f'<svg aria-hidden="true">{dots}</svg>{signs}<p class="tip" translate="no" hidden></p></div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def sample(total: int, most: int) -> Sequence[int]:
    """At most ``most`` of so many numbers, evenly spread."""
    return range(total) if total <= most else [i * total // most for i in range(most)]


def _percent(place: Place) -> tuple[str, str]:
    x, y = (EDGE + (100 - 2 * EDGE) * min(1.0, max(0.0, each)) for each in place)
    return f"{x:.1f}%", f"{100 - y:.1f}%"


def _dot(place: Place, item: Item) -> str:
    x, y = _percent(place)
    return f'<circle cx="{x}" cy="{y}" r="3" data-t="{text(label(item)[:120])}"></circle>'


def _sign(mark: Mark, place: Place, items: Sequence[Item]) -> str:
    x, y = _percent(place)
    at = f'class="{mark.kind}" style="left:{x};top:{y}"'
    if mark.index is None:
        return f"<b {at}>{SIGNS[mark.kind]}</b>"
    name = text(label(items[mark.index])[:120])
    if mark.rank is None:
        return f'<b {at} data-t="{name}">{SIGNS[mark.kind]}</b>'
    told = f'aria-label="{mark.rank}: {name}. Show its card"'
    return f'<button type="button" {at} data-t="{name}" data-jump="{mark.rank}" {told}>{mark.rank}</button>'


def _legend(kinds: Collection[Kind]) -> str:
    keys: Mapping[Kind, str] = {kind: SIGNS.get(kind, "1") for kind in LEGEND if kind in kinds}
    return "".join(f'<span class="key"><b class="{kind}">{sign}</b> {LEGEND[kind]}</span>' for kind, sign in keys.items())


def apart(places: Sequence[Place]) -> list[Place]:
    """The places, those of marks that would cover each other moved apart by as little as that takes."""
    spots = [[x * WIDE, y * HIGH] for x, y in places]
    for _ in range(ROUNDS):
        if not sum(_push(spots, i, j) for i in range(len(spots)) for j in range(i)):
            break
    return [(min(1.0, max(0.0, x / WIDE)), min(1.0, max(0.0, y / HIGH))) for x, y in spots]


def _push(spots: list[list[float]], i: int, j: int) -> bool:
    """Move two spots half of what they lack each; where they are one, in a direction of their own."""
    across, up = spots[i][0] - spots[j][0], spots[i][1] - spots[j][1]
    far = math.hypot(across, up)
    if far >= GAP - 0.5:
        return False
    if far < 1e-6:
        across, up, far = math.cos(2.4 * i), math.sin(2.4 * i), 1.0
        lack = GAP / 2
    else:
        lack = (GAP - far) / 2
    for spot, sign in ((spots[i], 1), (spots[j], -1)):
        spot[0] = min(WIDE, max(0.0, spot[0] + sign * lack * across / far))
        spot[1] = min(HIGH, max(0.0, spot[1] + sign * lack * up / far))
    return True
