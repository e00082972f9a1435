"""The command line of ``python -m apps``: safe defaults, and a sentence with exit code 2 for what can't be served."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from typing import Any

import pytest

import apps.__main__
from apps import components, launching
from apps.access import Gate
from apps.options import parse
from tests.serving import ROOT, free_port


def test_the_defaults_are_safe() -> None:
    options = parse([])
    assert (options.host, options.port, options.share, options.mcp, options.auth) == ("127.0.0.1", 7860, False, False, [])
    assert (options.max_file_size, options.queue_size, options.concurrency) == ("20mb", 64, 2)
    assert launching.Limits() == launching.Limits("20mb", 64, 2)
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False" and os.environ["HF_HUB_DISABLE_TELEMETRY"] in ("1", "True")


def test_options_reach_gradio(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, Any] = {}

    class Page:
        def queue(self, **options: Any) -> None:
            heard.update(options)

        def launch(self, **options: Any) -> tuple[None, str, None]:
            heard.update(options)
            return None, "http://127.0.0.1:1/", None

        def block_thread(self) -> None:
            heard["blocked"] = True

    monkeypatch.setattr("apps.showcase.build", lambda chosen: heard.update(chosen=chosen) or Page())
    monkeypatch.setenv("QUIPU_AUTH", "bo:other")
    given = ["--auth", "ada:secret", "--max-file-size", "500KB", "--queue-size", "3", "--concurrency", "1"]
    assert apps.__main__.main(["event-detection", "event-detection", "--port", str(free_port()), *given]) == 0
    assert heard["chosen"] == ["event-detection"] and heard["blocked"]
    assert (heard["max_size"], heard["default_concurrency_limit"], heard["max_file_size"]) == (3, 1, "500kb")
    assert heard["auth"] == [("ada", "secret"), ("bo", "other")] and heard["server_name"] == "127.0.0.1"
    assert heard["allowed_paths"] == [str(components.EXAMPLES)]
    assert (heard["share"], heard["show_error"], heard["run_history"]) == (False, False, False)
    (gate,) = heard["app_kwargs"]["middleware"]
    assert gate.cls is Gate and gate.kwargs == {"accounts": {"ada": "secret", "bo": "other"}}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--port", "door"], "Argument --port: invalid int value: 'door'"),
        (["--max-file-size", "large"], "'large' is no size such as 500kb, 20mb or 1gb"),
        (["--max-file-size", "0mb"], "'0mb' is no size"),
        (["--max-file-size", "-1mb"], "expected one argument"),
        (["--queue-size", "0"], "'0' is no whole number from 1 to 100,000"),
        (["--queue-size", "1.5"], "'1.5' is no whole number"),
        (["--concurrency", "many"], "'many' is no whole number from 1 to 1,000"),
        (["--concurrency", "-1"], "is no whole number"),
        (["--auth"], "expected one argument"),
        (["--colour", "red"], "Unrecognized arguments"),
    ],
)
def test_a_wrong_option_is_one_sentence(given: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        apps.__main__.main(given)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and message in said and said.count("\n") == 1 and "usage:" not in said


def test_a_wrong_account_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert apps.__main__.main(["--auth", "my-secret"]) == 2
    said = capsys.readouterr().err
    assert said == "An account is written USER:PASSWORD, with both of them, in --auth or in QUIPU_AUTH.\n"


def test_mcp_without_its_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "mcp" else find(name, *more))
    assert apps.__main__.main(["--mcp"]) == 2
    said = capsys.readouterr().err
    assert said == '--mcp needs a package that is not installed: pip install "mcp==1.30.0" "pydantic==2.12.5"\n'
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").split()
    assert {"mcp==1.30.0", "pydantic==2.12.5"} <= set(pins)


def test_the_page_is_served_without_the_package() -> None:
    code = (
        "import sys, importlib.util; sys.modules['mcp'] = None\n"
        "from apps import components\n"
        "demo = components.page(); demo.__enter__(); demo.__exit__()\n"
        f"local, _ = components.serve(demo, '127.0.0.1', {free_port()})\n"
        "demo.close(); print(local[:16])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert "http://127.0.0.1" in done.stdout, done.stderr[-2000:]


def test_a_generator_that_is_none_ends_with_a_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components, "LOADING", {})
    monkeypatch.setattr(components, "PIPELINES", components.LazyPipelines(components.shared))
    assert apps.__main__.main(["conversation", "--port", str(free_port()), "--generator", str(ROOT / "docs")]) == 2
    assert "docs" in capsys.readouterr().err
