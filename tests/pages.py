"""What tests of a page begin with: its server, a client of its endpoints, a browser, and a fresh page in it.

``conftest.py`` makes these fixtures known to every test; what they need is imported when one of them is asked for. A file that tests
another page than the showcase over stand-ins says so by ``PAGE``: the name of what ``tests.serving`` serves, and a button that is there
when the page is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gradio_client import Client

SHOWCASE = ("words", "Open")


def served(request: pytest.FixtureRequest) -> tuple[str, str]:
    """What the file of a test is about."""
    about: tuple[str, str] = getattr(request.module, "PAGE", SHOWCASE)
    return about


@contextlib.contextmanager
def building() -> Iterator[None]:
    """Build a page in a test's own process: the event loops that Gradio makes and leaves open end here, and don't warn in a later test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        asyncio.set_event_loop(None)  # the last one, which would be kept until some other loop takes its place
        gc.collect()


@pytest.fixture(scope="module")
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is served, in a process of its own."""
    from tests.serving import serving

    with serving(tmp_path_factory.mktemp("server"), served(request)[0]) as made:
        yield made


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[Client]:
    """A client of the page's endpoints."""
    from gradio_client import Client

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # else the client asks the Hub who it is
        yield Client(address, verbose=False, analytics_enabled=False)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium: of one file alone, for its driver keeps an event loop running that others' tests would meet."""
    from tests.browsing import launched  # skips where there is no playwright

    with launched() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Any, address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A fresh page; ``indirect`` parameters are Playwright's context options."""
    from tests.browsing import watched

    with watched(browser, address, getattr(request, "param", {}), served(request)[1]) as opened:
        yield opened
        assert "Traceback" not in opened.content()
