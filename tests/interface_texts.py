"""What the pages say in English, collected from what is built and from the code."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import gradio as gr

from apps import language

APPS = Path(language.__file__).parent
PLACEHOLDER = re.compile(r"\{\d?\}|\[\d\]|<\d>")
HOLE = "{}"
FIGURE = re.compile(r"\d+(?:[.,]\d+)*(?: %)?")
ATTRIBUTES = ("placeholder", "aria-label", "title", "data-label")
PROPERTIES = ("label", "info", "placeholder", "x_title", "y_title")
# What a component's value is; all other values are examples and defaults, which are the visitor's to change.
SAYING = ("button", "downloadbutton", "markdown", "html")
IDENTIFIER = re.compile(r"[a-z0-9_]+")  # labels of what only clients of the endpoints see
IGNORED = ("set the lowest and the highest rating",)  # a part of a sentence of ``tasks``, which are English only
IGNORED += ("Licence: {}", "{} {} The tool is")  # of a model card; and what stands between code
THEIRS = "model-card"  # a card is as it was written, in English
EXAMPLES = ("LIVE", "CALLED", "ASKED", "FERRY", "CAPTAIN", "PROPOSAL")  # texts for the models, which read English
UNSEEN = ("__main__.py", "__init__.py", "language.py", "options.py", "access.py", "mcp_server.py")  # what they say is said to programmers
OWN_WORDS = ("English", "Español", "Français", "Quipu")


class Said(HTMLParser):
    """The texts and the readable attributes of HTML, without what is marked as not ours."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.kept: list[str] = []  # elements that are open, from one with translate="no" on
        self.feed(markup)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if self.kept or given.get("translate") == "no" or tag in ("script", "style", "code", "pre"):
            if tag not in ("br", "img", "input"):
                self.kept.append(tag)
            if given.get("translate") != "yes":
                return
        self.found += [value for name in ATTRIBUTES if (value := given.get(name))]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.kept:
            while self.kept.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self.kept:
            self.found.append(data)


def texts(markup: str) -> Iterator[str]:
    """The pieces of a text that may be HTML or Markdown, as the page's script meets them."""
    for piece in Said(markup).found if "<" in markup else [markup]:
        for said in re.split(r"\*\*|`[^`]*`", piece):
            if re.search(r"[^\W\d]{2}", said):
                yield " ".join(said.split())


# ---------------------------------------------------------------------------------------------- what is built


def shown(demo: gr.Blocks) -> set[str]:
    """The texts of a built page."""
    found: set[str] = set()
    for component in demo.get_config_file()["components"]:
        found |= set(_of(component["type"], component["props"]))
    return found


def _of(kind: str, given: dict[str, Any]) -> Iterator[str]:
    if THEIRS in (given.get("elem_classes") or []):
        return
    if IDENTIFIER.fullmatch(str(given.get("label") or given.get("value") or "")) and kind not in ("html", "markdown"):
        return
    for name in PROPERTIES:
        if isinstance(given.get(name), str) and given[name].strip():
            yield given[name] if name == "placeholder" else " ".join(given[name].split())
    if kind in SAYING and isinstance(given.get("value"), str):
        yield from texts(given["value"])
    if kind == "html" and isinstance(given.get("html_template"), str):
        yield from texts(given["html_template"].replace("${value}", ""))
    yield from (str(header) for header in given.get("headers") or [] if kind == "dataframe")
    yield from (str(name) for name, _ in given.get("choices") or [] if kind in ("radio", "checkboxgroup"))


# ---------------------------------------------------------------------------------------------- what the code says


def spoken(folder: Path = APPS) -> set[str]:
    """The sentences in the code of the apps: what the render functions write, what errors and notes say, what scripts say."""
    found: set[str] = set()
    for path in sorted(folder.glob("*.py")):
        if path.name not in UNSEEN:
            code = _Spoken(path.name.startswith("render"))
            code.visit(ast.parse(path.read_text(encoding="utf-8")))
            found |= {said for each in code.found for said in texts(each) if _prose(said)} | code.words
    for path in folder.glob("assets/*.js"):
        if path.name not in ("cytoscape.min.js", "language.js"):
            found |= set(_script(path.read_text(encoding="utf-8")))
    return found


class _Spoken(ast.NodeVisitor):
    """The strings of a module, f-strings with a hole for each value, and the single words of its headings and names.

    Of modules that render all strings, of others those of several words.
    """

    def __init__(self, everything: bool) -> None:
        self.found: list[str] = []
        self.words: set[str] = set()
        self._everything = everything

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring is for programmers
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("plural", "amount") and isinstance(noun := node.args[1], ast.Constant):
            self.words |= {f"{HOLE} {noun.value}", f"{HOLE} {_plural(str(noun.value))}"}
            return self.visit(node.args[0])
        if name in ("compile", "exception", "TypeVar", "Default", "Usage", "Live"):  # code and examples, as they are
            return None
        return self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self.found += _joined(node)
        for each in node.values:  # their fixed parts were heard
            if isinstance(each, ast.FormattedValue):
                self.visit(each.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Headings may be single words, and so may be what a table of names calls things."""
        name = node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
        if name in EXAMPLES:
            return
        if name.endswith("HEADERS"):
            self.words |= {each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant)}
        elif self._everything and isinstance(node.value, ast.Dict) and name.isupper():
            self._named(node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if self._everything and isinstance(node.value, ast.Dict):
            self._named(node.value)
        self.generic_visit(node)

    def _named(self, names: ast.Dict) -> None:
        for value in names.values:
            first = value.elts[0] if isinstance(value, ast.Tuple) else value
            if isinstance(first, ast.Constant) and re.fullmatch(r"[A-Za-z ]{2,}", str(first.value)):
                self.words.add(str(first.value))

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and (self._everything or " " in node.value.strip()):
            self.found.append(node.value)


def _plural(noun: str) -> str:
    return noun[:-1] + "ies" if noun.endswith("y") else noun + "s"


def _joined(node: ast.JoinedStr) -> list[str]:
    """An f-string, once for each choice of ``'is' if … else 'are'`` in it."""
    parts: list[list[str]] = []
    for each in node.values:
        if isinstance(each, ast.Constant):
            parts.append([str(each.value)])
        elif isinstance(each, ast.FormattedValue) and isinstance(choice := each.value, ast.IfExp):
            ways = [way.value if isinstance(way, ast.Constant) else HOLE for way in (choice.body, choice.orelse)]
            parts.append([str(way) for way in ways])
        else:
            parts.append([HOLE])
    return ["".join(chosen) for chosen in itertools.islice(itertools.product(*parts), 64)]


def _prose(said: str) -> bool:
    """Whether a string is for people: words, or one that begins like a heading; no key, path, format or piece of code."""
    words = said.replace(HOLE, "").strip()
    if re.search(r"[=_;{}\\/@#$|]\S|=>|\.\w{2,5}$|^--|^\W*$|^[a-z-]+$|^[A-Z0-9]{2,}$|^%|^[.,;:)]", words) or "://" in words:
        return False
    return bool(re.search(r"[A-Za-z]{2,} \S|\S [a-z]{2,}|^[A-Z][a-z]{2,}", words))


def _script(source: str) -> Iterator[str]:
    for _, said in re.findall(r"([`'])((?:(?!\1)[^\\\n])*)\1", re.sub(r"^\s*//.*$", "", source, flags=re.M)):
        words = " ".join(re.sub(r"\$\{[^}]*\}", HOLE, said).split())
        if re.match(r"[A-Z][a-z]+.* [a-z]|and ", words) and "\\" not in words:
            yield words


def collect() -> set[str]:
    """All that the showcase says, over stand-ins."""
    from apps import showcase
    from tests.stand_ins import load

    return shown(showcase.build(load=load)) | spoken()
