"""Colours as they are seen: the contrast of two, and one laid over another."""

from __future__ import annotations

from apps import render


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours, from 1 to 21."""
    light, dark = sorted((render.luminance(one), render.luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mix(weight: float, one: str, other: str) -> str:
    """``one``, so far opaque (0 to 1), over ``other``."""
    pairs = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(weight * a + (1 - weight) * b):02x}" for a, b in pairs)
