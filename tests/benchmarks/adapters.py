"""What an adapter costs at inference: merged into a copy, as LoRA beside the weights, or switched on one encoder.

    python -m tests.benchmarks.adapters --threads 1

Two tasks over the default encoder, LoRA of rank 32 on all linear layers of the blocks. "Merged" is what
``tasks.core.adapters`` does: each task has its own copy of the blocks and shares the embeddings. "Beside" gives
each task its own LoRA layers over shared weights. "Switched" is one PEFT model and ``set_adapter`` under a lock,
which threads must share. Turns are interleaved; the median is shown: processor time, and for two threads at once
the clock's.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.contest import table

RANK, TOKENS = 32, 32
Read = Callable[[int, Any], None]  # task number and inputs


def saved_adapters(folder: Path) -> list[Path]:
    """Two adapters as training leaves them, with random weights."""
    import torch
    from peft import get_peft_model

    from tasks.core.adapters import lora_config, save_adapter
    from tasks.core.encoder import load_encoder

    encoder = load_encoder(device="cpu")
    folders = []
    for name in ("one", "two"):
        network: Any = get_peft_model(copy.deepcopy(encoder.model), lora_config(RANK, 2 * RANK, 0.0))  # type: ignore[arg-type]
        for weight_name, weight in network.named_parameters():
            if "lora_B" in weight_name:
                torch.nn.init.normal_(weight, std=0.01)
        save_adapter(folder / name, encoder, network, torch.nn.Linear(1, 1), {"task": name, "method": "lora"})
        folders.append(folder / name)
    return folders


def designs(folders: Sequence[Path]) -> dict[str, tuple[Read, list[Any]]]:
    """For each design how a task's text is read, and the models that it holds."""
    from tasks.core.adapters import load_lora, merge
    from tasks.core.encoder import load_encoder

    encoder = load_encoder(device="cpu")
    weights: dict[int, Any] = {id(weight): weight for weight in encoder.model.parameters()}
    merged: list[Any] = [merge(encoder, folder).model for folder in folders]
    beside = [load_lora(copy.deepcopy(encoder.model, dict(weights)), folder).eval() for folder in folders]
    switched = load_lora(copy.deepcopy(encoder.model, dict(weights)), folders[0])
    switched.load_adapter(str(folders[1]), adapter_name="two")
    switched.eval()
    lock = threading.Lock()

    def switch(task: int, inputs: Any) -> None:
        with lock:
            switched.set_adapter(("default", "two")[task])
            switched(**inputs)

    own = {"merged": (lambda task, inputs: merged[task](**inputs), merged), "beside": (lambda task, inputs: beside[task](**inputs), beside)}
    return {**own, "switched": (switch, [switched])}


def held(models: Sequence[Any]) -> float:
    """MB of weights that models hold, what they share counted once."""
    sizes = {weight.data_ptr(): weight.numel() * weight.element_size() for model in models for weight in model.parameters()}
    return sum(sizes.values()) / 1e6


def one_by_one(read: Read, inputs: Any) -> float:
    """Processor seconds for a text of each task, one after the other."""
    start = time.process_time()
    for task in (0, 1):
        read(task, inputs)
    return (time.process_time() - start) / 2


def at_once(read: Read, inputs: Any, texts: int = 4) -> float:
    """Seconds of the clock a text with a thread for each task."""
    import torch

    def many(task: int) -> None:
        with torch.inference_mode():
            for _ in range(texts):
                read(task, inputs)

    threads = [threading.Thread(target=many, args=(task,)) for task in (0, 1)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - start) / (2 * texts)


def main() -> None:
    """Measure and print."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("--threads", type=int, default=1, help="processor threads of one forward pass")
    line.add_argument("--rounds", type=int, default=20, help="turns of each design")
    options = line.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        contenders = designs(saved_adapters(Path(folder)))
        seconds: dict[tuple[str, str], list[float]] = {}
        shapes = {f"1 x {TOKENS}": 1, f"32 x {TOKENS}": 32}
        for turn in range(options.rounds + 1):
            for shape, count in shapes.items():
                inputs = {"input_ids": torch.full((count, TOKENS), 2000), "attention_mask": torch.ones(count, TOKENS, dtype=torch.long)}
                for name, (read, _) in contenders.items():
                    times = {shape: one_by_one(read, inputs)} | ({"two threads": at_once(read, inputs)} if count == 1 else {})
                    for kind, each in times.items() if turn else ():
                        seconds.setdefault((name, kind), []).append(each / count)
    kinds = [*shapes, "two threads"]
    rows = [[name, *(f"{1000 * statistics.median(seconds[name, kind]):.2f}" for kind in kinds)] for name in contenders]
    for row, (_, models) in zip(rows, contenders.values(), strict=True):
        row.append(f"{held(models):.0f}")
    print(table(["design", *(f"ms/text, {kind}" for kind in kinds), "weights of two tasks, MB"], rows))


if __name__ == "__main__":
    main()
