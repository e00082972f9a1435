"""What the pages share: the look, the header, lazy pipelines, and errors as plain sentences."""

from __future__ import annotations

import functools
import json
import logging
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from apps import language
from apps.access import Accounts
from apps.launching import Limits
from apps.launching import settings as settings_of
from tasks import pipeline
from tasks.core.errors import InputError, QuipuError

Params = ParamSpec("Params")
Return = TypeVar("Return")
Load = Callable[..., Any]

EXAMPLES = Path(__file__).parent / "examples"
ASSETS = Path(__file__).parent / "assets"
MAX_CHARACTERS = 200_000
LIMITS = Limits()
FILES_LIVE_SECONDS = 3600  # uploads, downloads and what a session remembers are forgotten after an hour
APOLOGY = "Sorry, something went wrong on our side. Your input was not changed; please try again."

_log = logging.getLogger(__name__)

# System fonts: the default theme's would be asked from another host where they are not installed.
THEME = gr.themes.Default(
    primary_hue=gr.themes.colors.teal,
    secondary_hue=gr.themes.colors.teal,
    neutral_hue=gr.themes.colors.slate,
    font=["system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"],
    font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "monospace"],
).set(
    # The default accent and subdued greys are too pale to read on white (WCAG asks for 4.5:1).
    color_accent="*primary_700",
    link_text_color="*primary_700",
    body_text_color_subdued="*neutral_600",
    block_info_text_color="*neutral_600",
    block_label_text_color="*neutral_600",
    block_title_text_color="*neutral_700",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover_dark="*primary_600",
)

# In the head, since rules given as ``css=`` are confined to the page's middle, which shuts out the margins and the footer.
STYLES = ("style.css", "recommendation.css", "conversation.css", "start.css", "language.css")
HEAD = f"<style>{''.join((Path(__file__).parent / name).read_text(encoding='utf-8') for name in STYLES)}</style>{language.head()}"

LOGO = """
<svg viewBox="0 0 40 40" width="36" height="36" aria-hidden="true" fill="none"
     stroke-width="2.2" stroke-linecap="round">
  <path d="M3 8c10 3 24 3 34 0"/><path d="M10 10v24M20 10.5v26M30 10v22"/>
  <g stroke="none">
    <circle cx="10" cy="18" r="3"/><circle cx="10" cy="27" r="3"/><circle cx="20" cy="22" r="3"/>
    <circle cx="20" cy="31" r="3"/><circle cx="30" cy="16" r="3"/><circle cx="30" cy="25" r="3"/>
  </g>
</svg>
"""


class LazyPipelines:
    """Loads each pipeline once, when it is first asked for, whichever thread asks."""

    def __init__(self, load: Load = pipeline) -> None:
        self._load = load
        self._lock = threading.RLock()  # what is loaded may ask for others
        self._loaded: dict[tuple[str, str], Any] = {}

    def __call__(self, task: str, adapter: str = "shipped") -> Any:
        """The pipeline of ``task`` with ``adapter``; raises what ``tasks.pipeline`` raises, and tries again next time."""
        with self._lock:
            if (task, adapter) not in self._loaded:
                self._loaded[task, adapter] = self._load(task, adapter=adapter)
            return self._loaded[task, adapter]


LOADING: dict[str, dict[str, Any]] = {}  # loading options that the command line gave, by task


def shared(task: str, adapter: str = "shipped") -> Any:
    """A pipeline; the one that asks others, the conversation, is given those that the pages have, so that none is in memory twice."""
    others: dict[str, Any] = {"pipelines": PIPELINES} if task == "conversation" else {}
    return pipeline(task, adapter=adapter, **others, **LOADING.get(task, {}))


PIPELINES = LazyPipelines(shared)


HALVES = re.compile("[\ud800-\udfff]")


def whole(value: Any) -> Any:
    """``value`` with U+FFFD for each half of a character (a lone surrogate), which no answer can be sent with; offsets stay as they are."""
    if isinstance(value, str):
        return HALVES.sub("\ufffd", value)
    if type(value) is list or type(value) is dict:
        parts = value.items() if isinstance(value, dict) else value
        made = type(value)(whole(each) if isinstance(value, list) else tuple(map(whole, each)) for each in parts)
        return value if made == value else made  # what a session keeps stays the same object
    return value


def guarded(handler: Callable[Params, Return]) -> Callable[Params, Return]:
    """Make a handler's errors fit for the page: ours keep their sentence, any other becomes an apology and a log entry."""

    @functools.wraps(handler)
    def run(*args: Params.args, **kwargs: Params.kwargs) -> Return:
        try:
            return handler(*map(whole, args), **{name: whole(value) for name, value in kwargs.items()})
        except QuipuError as error:
            raise gr.Error(str(error), title="Please check", duration=15, print_exception=False) from None
        except gr.Error:
            raise
        except Exception:  # the last resort: whatever it was, a visitor must not see it
            _log.exception("A page's handler failed")
            raise gr.Error(APOLOGY, title="Sorry", print_exception=False) from None

    return run


def check_text(text: str, task: str) -> None:
    """Raise ``InputError`` where ``text`` is longer than a page should read while its visitor waits."""
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"The text has {len(text):,} characters; the page reads up to {MAX_CHARACTERS:,}. "
            f"Shorten it, or use the command line: python -m tasks {task} --input FILE --output FILE."
        )


def check_threshold(threshold: Any) -> None:
    """Raise ``InputError`` unless ``threshold`` is a probability or None; Gradio passes on whatever a client sends."""
    if threshold is not None and (isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1):
        raise InputError(f"The threshold must be a number from 0 to 1, or empty; it is {str(threshold)[:40]!r}.")


def examples(file: str) -> list[dict[str, str]]:
    """Texts written for a page."""
    made: list[dict[str, str]] = json.loads((EXAMPLES / file).read_text(encoding="utf-8"))
    return made


def own_threshold(what: str, each: str) -> tuple[gr.Checkbox, gr.Slider]:
    """A box that shows a slider for the threshold; ``what`` is found with it, and ``each`` has a calibrated one."""
    own = gr.Checkbox(label="Set the threshold myself", info=f"Otherwise {each} has its own, calibrated one.")
    threshold = gr.Slider(0.01, 0.99, 0.5, step=0.01, label="Threshold", info=f"Higher: fewer, surer {what}.", visible=False)
    own.change(lambda checked: gr.Slider(visible=checked), own, threshold, api_visibility="private", queue=False)
    return own, threshold


def header(name: str, what: str) -> gr.HTML:
    """The top of the page; both texts are ours, never a user's."""
    return gr.HTML(f'<header class="masthead">{LOGO}<div><h1>{name}</h1><p>{what}</p></div>{language.SWITCH}</header>', padding=False)


def page() -> gr.Blocks:
    """An empty page of the project that cleans up after its visitors."""
    return gr.Blocks(title="Quipu", delete_cache=(FILES_LIVE_SECONDS, FILES_LIVE_SECONDS))


def serve(
    demo: gr.Blocks,
    host: str | None = None,
    port: int | None = None,
    share: bool = False,
    *,
    limits: Limits = LIMITS,
    accounts: Accounts | None = None,
    mcp: bool = False,
    **options: Any,
) -> tuple[str, str | None]:
    """Start serving ``demo`` in the background; returns its address here and, with ``share``, its public one.

    ``host`` and ``port`` None leave the choice to Gradio (Spaces set them through the environment). The queue is
    bounded, so that a crowd gets a clear "busy" instead of a stuck machine; ``accounts`` (none: everybody) close page, API
    and MCP; ``options`` go to ``Blocks.launch``.
    """
    settings: dict[str, Any] = {
        "theme": THEME,
        "head": HEAD,
        "quiet": True,
        "ssr_mode": False,
        "show_error": False,
        "allowed_paths": [str(EXAMPLES)],
        "footer_links": ["api", "settings"],
        "prevent_thread_lock": True,
        **settings_of(demo, limits, accounts or {}, mcp),
    }
    _, local, public = demo.launch(server_name=host, server_port=port, share=share, **{**settings, **options})
    return local, public
