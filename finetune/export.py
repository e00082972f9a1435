"""A trained adapter, checked and made small, into a folder to ship; or merged into a plain encoder.

    python -m finetune.export --adapter runs/mine --output_dir tasks/event_detection/adapter --dtype float16
    python -m finetune.export --adapter runs/mine --output_dir exported --merge true

``--merge`` writes the encoder with the adapter's weights folded in, as any library loads it. Checkpoints,
optimizer states and other files of the run stay behind.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from finetune.config import Parser
from tasks.core.adapters import ENCODER, HEAD, LORA, inside, merge, read_settings, read_weights
from tasks.core.encoder import load_encoder
from tasks.core.errors import InputError, QuipuError

LEFT_OUT = "trainer_state.json"
DTYPES = {"float32": torch.float32, "float16": torch.float16}


@dataclass
class ExportArguments:
    """What to export, and how."""

    adapter: str = field(default="", metadata={"help": "folder of the trained adapter"})
    output_dir: str = field(default="", metadata={"help": "folder to write; created if missing"})
    task: str = field(default="event-detection", metadata={"help": "task of the adapter"})
    dtype: str = field(default="float32", metadata={"help": "float32, or float16 at half the size"})
    merge: bool = field(default=False, metadata={"help": "write the merged encoder instead of the adapter"})

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise InputError(f"--dtype must be one of {', '.join(DTYPES)}, not {self.dtype!r}.")
        if not self.output_dir or not Path(self.adapter).is_dir():
            raise InputError("Give --adapter, the folder of a trained adapter, and --output_dir.")


def export(arguments: ExportArguments) -> None:
    """Write the chosen form; raises ``AdapterError`` for a folder that is no adapter."""
    source, target = Path(arguments.adapter), Path(arguments.output_dir)
    settings = read_settings(source, arguments.task)
    target.mkdir(parents=True, exist_ok=True)
    if arguments.merge:
        encoder = merge(load_encoder(settings["base"]["name"], settings["base"]["revision"], "cpu"), source)
        encoder.model.save_pretrained(target)  # type: ignore[operator]
        encoder.tokenizer.save_pretrained(target)
        return
    for path in [*source.glob("*.json"), *source.glob("README.md")]:
        if path.name != LEFT_OUT:
            shutil.copyfile(inside(source, path.name), target / path.name)
    if (source / ENCODER).is_dir():
        shutil.copytree(inside(source, ENCODER), target / ENCODER, dirs_exist_ok=True)
    for path in [source / LORA, source / HEAD, *source.glob(f"{ENCODER}/*.safetensors")]:
        if path.exists():
            name = str(path.relative_to(source))
            save_file(_cast(read_weights(source, name), DTYPES[arguments.dtype]), target / name, {"format": "pt"})


def _cast(weights: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    return {name: weight.to(dtype) if weight.is_floating_point() else weight for name, weight in weights.items()}


def main(arguments: Sequence[str]) -> int:
    """Export; returns the exit code."""
    try:
        (ours,) = Parser(ExportArguments).read(arguments)  # type: ignore[arg-type]
        export(ours)
    except (QuipuError, ValueError) as error:
        print(f"finetune.export: {error}", file=sys.stderr)
        return 2
    print(f"Written to {ours.output_dir}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
