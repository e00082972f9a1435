"""The endpoints as tools of the Model Context Protocol: Gradio's server, with what it lacks for ours.

Gradio's own loses the outputs of an endpoint that keeps a state, writes results as Python's ``repr``, describes some arguments by
schemas that are none, and passes on no files in lists. Here results are JSON and files are URLs or ``data:`` URLs.
"""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
from typing import Any
from urllib.parse import unquote_to_bytes

import gradio as gr
from gradio.mcp import GradioMCPServer
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file

from apps.access import Accounts, basic
from apps.sessions import Lifespan

FILE = "a data: URL (such as data:text/csv;base64,…) or an http(s) URL"
ENDINGS = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/html": ".html",
    "application/jsonl": ".jsonl",
    "application/json": ".jsonl",
    "application/vnd.apache.parquet": ".parquet",
}


def offer(demo: gr.Blocks, accounts: Accounts) -> Lifespan:
    """Let ``demo`` offer its endpoints as tools once it is launched; returns what has to live as long as its server."""
    server = Server(demo, accounts)
    demo.mcp_server_obj, demo.mcp_server = server, True
    return server.lifespan


class Server(GradioMCPServer):
    """Gradio's server, mended; ``accounts`` are those of the page, one of which its calls of the page's API are made by."""

    def __init__(self, blocks: gr.Blocks, accounts: Accounts) -> None:
        self._accounts = accounts
        super().__init__(blocks)

    def get_fn_description(self, block_fn: Any, tool_name: str) -> tuple[str, dict[str, str]]:
        """What a tool does and what its arguments are, with no word of tools that are not there."""
        description, parameters = super().get_fn_description(block_fn, tool_name)
        return description.removesuffix(self._file_data_tool_description), parameters

    def get_input_schema(self, tool_name: str, parameters: dict[str, str] | None = None) -> tuple[dict[str, Any], list[list[str | int]]]:
        """The arguments as JSON Schema, and where files are among them."""
        schema, files = super().get_input_schema(tool_name, parameters)
        for name, each in schema["properties"].items():
            if [name] in files:
                schema["properties"][name] = {"type": "string", "description": f"{each.get('description', '')} As {FILE}.".strip()}
            elif [name, "items"] in files:
                words = f"{each.get('description', '')} Each as {FILE}."
                schema["properties"][name] = {"type": "array", "items": {"type": "string"}, "description": words.strip()}
        return schema, [place for place in files if "$defs" not in place]

    def convert_strings_to_filedata(self, value: Any, filedata_positions: list[list[str | int]]) -> Any:
        """The arguments with each file, in a list too, as Gradio's clients send it."""
        given, most = dict(value), self.blocks.max_file_size
        for name, *within in filedata_positions:
            if given.get(str(name)) is not None:
                files = given[str(name)]
                given[str(name)] = [_file(each, most) for each in files] if within else _file(files, most)
        return given

    def _get_or_create_client(self) -> Client:
        if self._client_instance is None and self._accounts:
            header = basic(*next(iter(self._accounts.items())))
            options: dict[str, Any] = {"download_files": False, "verbose": False, "analytics_enabled": False, "ssl_verify": False}
            headers = {"x-gradio-user": "mcp", "authorization": header}
            self._client_instance = Client(str(self.local_url), headers=headers, _skip_components=False, **options)
        return super()._get_or_create_client()

    async def _execute_tool_without_progress(self, job: Any) -> list[Any]:
        (result,) = await super()._execute_tool_without_progress(job)
        return list(result) if isinstance(result, tuple) else [result]

    def postprocess_output_data(self, data: Any, root_url: str) -> list[Any]:
        """Each output: JSON, or the address of a file."""
        files = [output for output in data if _is_file(output)]
        plain = [output for output in data if not _is_file(output)]
        told = [self.types.TextContent(type="text", text=json.dumps(each, ensure_ascii=False)) for each in plain]
        return [*told, *super().postprocess_output_data(files, root_url)]


def _is_file(output: Any) -> bool:
    return isinstance(output, dict) and output.get("meta", {}) == {"_type": "gradio.FileData"}


def _file(given: str, most: int | None) -> Any:
    """A file as Gradio's clients send it; raises ``ValueError`` for what is none, or has more bytes than ``most``."""
    if given.startswith(("http://", "https://")):
        return handle_file(given)
    head, comma, body = given.partition(",")
    if not (head.startswith("data:") and comma):
        raise ValueError(f"A file is given as {FILE}; this begins with {given[:40]!r}.")
    kind, *options = head.removeprefix("data:").split(";")
    try:
        content = base64.b64decode(body, validate=True) if "base64" in options else unquote_to_bytes(body)
    except binascii.Error:
        raise ValueError("The file is no base64: code its bytes, or leave out ;base64 and write it as it is.") from None
    if most is not None and len(content) > most:
        raise ValueError(f"The file has {len(content):,} bytes; this server takes up to {most:,}.")
    ending = ENDINGS.get(kind.strip().lower()) or mimetypes.guess_extension(kind) or ".txt"
    return handle_file(save_bytes_to_cache(content, f"file{ending}", str(get_upload_folder())))
