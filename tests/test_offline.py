"""Nothing leaves the machine at import, at load or at inference with the embedded default."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import tasks
from tasks.event_detection.task import FOLDER

ROOT = Path(tasks.__file__).parent.parent
GUARD = """
import socket, sys
attempts = []
def refuse(*arguments, **options):
    attempts.append(repr(arguments[:2]))
    raise OSError("no network")
for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = socket.create_connection = socket.gethostbyname = refuse
from tasks import pipeline
events = pipeline("event-detection", adapter=sys.argv[1])
results = events(["The flood hit the town.", "word " * 2000, ""], threshold=0)
events("The flood hit the town.", labels=["flood", "evacuation"])
assert len(results) == 3 and results[0].events
print("attempts:", attempts)
"""


def test_import_load_and_prediction_contact_nothing(make_adapter: Callable[..., Path], tmp_path: Path) -> None:
    adapter = "shipped" if (FOLDER / "adapter" / "head.safetensors").exists() else str(make_adapter(None))
    environment = {name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")}
    environment |= {"HF_HOME": str(tmp_path)}
    result = subprocess.run([sys.executable, "-c", GUARD, adapter], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "attempts: []"
    assert not list(tmp_path.rglob("*.safetensors"))
