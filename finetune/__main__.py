"""python -m finetune RECIPE.yaml | --task NAME --train_file ... --validation_file ... --output_dir ...

Every flag of Hugging Face's ``TrainingArguments`` works beside ours. Errors of use end with exit code 2.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from tasks.core.errors import QuipuError


def main(arguments: Sequence[str]) -> int:
    """Parse, train, print the scores; returns the exit code."""
    from finetune.config import parse
    from finetune.train import train

    try:
        if not arguments or arguments[0] in ("-h", "--help"):
            print(__doc__.strip() + "\n\nFlags of a task: python -m finetune --task NAME --help")
            return 0
        ours, options, stock = parse(arguments)
        scores = train(ours, options, stock)
    except (QuipuError, ValueError) as error:
        print(f"finetune: {error}", file=sys.stderr)
        return 2
    if stock.process_index == 0:
        print(json.dumps(scores, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
