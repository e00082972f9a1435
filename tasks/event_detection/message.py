"""Short messages as sentences: what is only addressing or a link is taken off, hashtags become words.

Message-level events have no offsets, so the text that is read need not be the text that was given.
"""

from __future__ import annotations

import html
import re

LINK = re.compile(r"https?\S*|www\.\S+|(?<!\S)\S*…$")  # a message cut by "…" ends in half a word or half a link
REPOST = re.compile(r"^(?:RT\b[:\s]*)+")
USER = re.compile(r"@\w+:?")
HASHTAG = re.compile(r"#(\w+)")
JOINT = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Za-z])|_")


def plain_message(text: str) -> str:
    """``RT @a: #StormWatch roads closed http://…`` -> ``Storm Watch roads closed``; never empty for a text that isn't."""
    plain = REPOST.sub("", html.unescape(text))
    plain = HASHTAG.sub(lambda tag: JOINT.sub(" ", tag.group(1)), USER.sub(" ", LINK.sub(" ", plain)))
    return " ".join(plain.split()) or text
