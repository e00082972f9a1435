"""Who gets in where there are accounts: the page, its API and its tools; and that a full page says so."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AuthenticationError
from gradio_client.utils import QueueError

from apps import usage
from apps.access import accounts, basic
from tests.browsing import CHROMIUM, SLOW, launched
from tests.serving import ACCOUNTS, serving
from tests.tools import called, listed

PAGE = "closed", "Open"
USER, PASSWORD = next(iter(ACCOUNTS.items()))
KNOWN = {"Authorization": basic(USER, PASSWORD)}
STRANGERS: list[dict[str, str]] = [
    {},
    {"Authorization": basic(USER, "wrong")},
    {"Authorization": basic("nobody", "")},
    {"Authorization": "Basic !!"},
    {"Authorization": basic(USER, PASSWORD).replace("Basic", "Bearer")},
    {"Cookie": "access-token-x=y"},
]
CALL = "gradio_api/call/v2/detect_events"


def test_accounts_are_read_from_the_command_line_and_the_environment() -> None:
    assert accounts(["ada:a:b"], {"QUIPU_AUTH": " bo:x  cy:y\nda:z "}) == {"ada": "a:b", "bo": "x", "cy": "y", "da": "z"}
    assert accounts([], {}) == {}


@pytest.mark.parametrize("given", ["ada", "ada:", ":secret", " :secret", ""])
def test_a_wrong_account_is_a_sentence_that_keeps_the_secret(given: str) -> None:
    with pytest.raises(ValueError, match=r"^An account is written USER:PASSWORD, with both of them, in --auth or in QUIPU_AUTH\.$"):
        accounts([given], {})
    with pytest.raises(ValueError, match="The user 'ada' is there twice"):
        accounts(["ada:1"], {"QUIPU_AUTH": "ada:2"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "gradio_api/info"),
        ("GET", "gradio_api/openapi.json"),
        ("GET", "config"),
        ("GET", "gradio_api/mcp/schema"),
        ("GET", "gradio_api/mcp/sse"),
        ("POST", "gradio_api/mcp/"),
        ("POST", CALL),
        ("POST", "gradio_api/run/detect_events"),
        ("POST", "gradio_api/queue/join"),
        ("POST", "gradio_api/upload"),
        ("POST", "gradio_api/cancel"),
        ("GET", "gradio_api/heartbeat/abc"),
        ("GET", "gradio_api/file=apps/examples/films.csv"),
        ("GET", "monitoring"),
        ("GET", "/static/../gradio_api/info"),
        ("GET", "//gradio_api/info"),
    ],
)
def test_a_stranger_gets_nothing(address: str, method: str, path: str) -> None:
    for header in STRANGERS:
        said = httpx.request(method, f"{address}{path}", headers=header, json={"text": "Flood"} if method == "POST" else None)
        assert said.status_code in (401, 403, 404) and "detect_events" not in said.text, header


def test_the_login_page_tells_a_stranger_nothing(address: str) -> None:
    said = httpx.get(address)
    assert said.status_code == 200 and "detect_events" not in said.text and "Event detection" not in said.text


def test_those_who_are_known_get_in_by_header(address: str) -> None:
    assert "detect_events" in httpx.get(f"{address}gradio_api/info", headers=KNOWN).json()["named_endpoints"].__str__()
    number = httpx.post(f"{address}{CALL}", headers=KNOWN, json={"text": "Flood"}).json()["event_id"]
    assert '"flood"' in httpx.get(f"{address}gradio_api/call/detect_events/{number}", headers=KNOWN, timeout=60).text
    assert httpx.get(f"{address}gradio_api/info", headers={"Authorization": basic(*list(ACCOUNTS.items())[1])}).status_code == 200


def test_those_who_are_known_get_in_by_gradio_client(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(AuthenticationError):
        Client(address, verbose=False, analytics_enabled=False)
    client = Client(address, auth=(USER, PASSWORD), verbose=False, analytics_enabled=False)
    assert client.predict("Flood", api_name="/detect_events")["events"][0]["type"] == "flood"
    client.close()


def test_those_who_are_known_get_the_tools(address: str) -> None:
    url = f"{address}gradio_api/mcp/"
    assert "detect_events" in listed(url, KNOWN)
    assert called(url, "detect_events", {"text": "Flood"}, KNOWN)[0]["events"][0]["type"] == "flood"
    with pytest.raises(BaseException) as refused:
        listed(url)
    assert "401" in repr(refused.value) or "401" in str(getattr(refused.value, "exceptions", ""))


@pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")
def test_a_visitor_logs_in(address: str) -> None:
    with launched() as chromium:
        page = chromium.new_page()
        page.goto(address)
        page.get_by_label("User").fill(USER)
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("wrong").wait_for(timeout=SLOW)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.locator("#card-event-detection").get_by_role("button", name="Open").click(timeout=SLOW)
        page.locator("#use-event-detection").get_by_role("button", name=usage.TITLE).click(timeout=SLOW)
        page.locator("#use-event-detection").get_by_role("tab", name="HTTP").click()
        page.get_by_text("-u USER:PASSWORD").first.wait_for(timeout=SLOW)  # the page knows that it is closed


# ---------------------------------------------------------------------------------------------- a full page


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page that works on one call at a time and lets one wait."""
    with serving(tmp_path_factory.mktemp("crowded"), "crowded") as made:
        yield made


def fill(call: str) -> httpx.Response:
    """Call until one call is worked on, which it is for minutes, and one waits; returns how the next one is refused."""
    accepted = 0
    for _ in range(100):
        accepted += httpx.post(call, json={"seconds": 300}, timeout=60).status_code == 200
        if accepted == 2:
            break
        time.sleep(0.2)  # for the first to be taken from the queue
    said = httpx.post(call, json={"seconds": 300}, timeout=60)
    assert (accepted, said.status_code) == (2, 503)
    return said


def test_a_full_page_says_so(crowded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    call = f"{crowded}gradio_api/call/v2/wait"
    assert fill(call).json() == {"detail": "The page is busy: too many calls are waiting. Please try again in a minute."}
    with pytest.raises(RuntimeError, match=r"Queue is full! Please try again\."):
        called(f"{crowded}gradio_api/mcp/", "wait", {"seconds": 1})
    client = Client(crowded, verbose=False, analytics_enabled=False)
    with pytest.raises(QueueError, match="Please try again"):
        client.predict(1, api_name="/wait")
    client.close()
    if CHROMIUM:
        with launched() as chromium:
            page = chromium.new_page()
            page.goto(crowded)
            page.get_by_role("button", name="Wait").wait_for(timeout=SLOW)
            page.get_by_role("button", name="Wait").click(timeout=SLOW)
            page.get_by_text("This application is currently busy. Please try again.").wait_for(timeout=SLOW)
