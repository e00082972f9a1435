"""Recommendation: the ten best of many items for one user and for many at once, beside ``implicit``'s ``recommend`` and plain NumPy.

    pip install implicit==0.7.3
    python -m tests.benchmarks.recommendation --threads 2 --items 10000 100000 1000000

Contenders take turns, each in a process of its own, over the same drawn vectors (384 numbers, length 1) and the same users; twenty
items a user, drawn too, must not come. Ours: the exact scan, whose vectors are float16. ``implicit``: its ALS model with these
factors set, float32, and the items in ``user_items``; its BLAS has one thread in the batch, as its own warning asks, and all for
one user. NumPy: ``vectors @ users``, float32, then ``argpartition``; in the batch for 100 users at once, as more would need more memory.
One user's turn is many users one after the other.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from typing import Any

from tests.benchmarks.contest import Figures, Work, hold, serve, table

CONTENDERS = ("quipu", "implicit", "numpy")
WIDTH, K, SEEN = 384, 10, 20
DRAWN, AT_ONCE = 50_000, 100  # vectors that are drawn at once; users of one NumPy product
INSTALL = "The peer is missing: pip install implicit==0.7.3"


def one_by_one(items: int) -> int:
    """How many single users a turn has: more where each takes less."""
    return max(20, 2_000_000 // items)


def draw(options: argparse.Namespace, dtype: str) -> tuple[Any, Any, Any]:
    """Items (items, width), users (users, width) in float32, and which items each has seen (users, seen)."""
    import numpy as np

    def some(count: int) -> Any:
        vectors = generator.standard_normal((count, WIDTH), np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    generator = np.random.default_rng(0)
    users, (count,) = some(options.users), options.items
    seen = generator.integers(0, count, (options.users, SEEN))
    items = np.empty((count, WIDTH), dtype)
    for first in range(0, count, DRAWN):
        items[first : first + DRAWN] = some(min(DRAWN, count - first))
    return items, users, seen


def load_quipu(options: argparse.Namespace) -> Work:
    """Our scan."""
    import torch

    from tasks.recommendation.scan import longest, top

    torch.set_num_threads(options.threads)
    items, users, drawn = (torch.from_numpy(each) for each in draw(options, "float16"))
    seen, length = list(drawn), longest(items)

    def work() -> None:
        if options.batch:
            top(items, users, K, exclude=seen, length=length)
            return
        for user in range(one_by_one(len(items))):
            now = slice(user % len(users), user % len(users) + 1)
            top(items, users[now], K, exclude=seen[now], length=length)

    work()
    return work


def load_implicit(options: argparse.Namespace) -> Work:
    """The package's model, with factors that were drawn."""
    import numpy as np
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    items, users, seen = draw(options, "float32")
    with threadpool_limits(1, "blas"):  # or it warns
        model = AlternatingLeastSquares(factors=WIDTH, num_threads=options.threads)
    model.item_factors, model.user_factors = items, users
    ends = np.arange(0, seen.size + 1, SEEN)
    rows = csr_matrix((np.ones(seen.size, np.float32), seen.ravel(), ends), shape=(len(users), len(items)))
    singles = [rows[user] for user in range(len(users))]

    def work() -> None:
        with threadpool_limits(1 if options.batch else options.threads, "blas"):
            if options.batch:
                model.recommend(np.arange(len(users)), rows, N=K)
                return
            for user in range(one_by_one(len(items))):
                model.recommend(user % len(users), singles[user % len(users)], N=K)

    work()
    return work


def load_numpy(options: argparse.Namespace) -> Work:
    """The lines that come to mind."""
    import numpy as np

    items, users, seen = draw(options, "float32")

    def best(some: slice) -> Any:
        scores = users[some] @ items.T
        np.put_along_axis(scores, seen[some], -np.inf, 1)
        found = np.argpartition(-scores, K, 1)[:, :K]
        order = np.argsort(-np.take_along_axis(scores, found, 1), 1)
        return np.take_along_axis(found, order, 1)

    def work() -> None:
        if options.batch:
            for first in range(0, len(users), AT_ONCE):
                best(slice(first, first + AT_ONCE))
            return
        for user in range(one_by_one(len(items))):
            best(slice(user % len(users), user % len(users) + 1))

    work()
    return work


LOADERS = {"quipu": load_quipu, "implicit": load_implicit, "numpy": load_numpy}


def report(single: dict[int, dict[str, Figures]], batch: dict[int, dict[str, Figures]], users: int) -> str:
    """The measured table, the ratios to ours, and what the largest catalogue takes of the smallest's time."""
    rows, ratios = [], []
    for items, figures in single.items():
        ours = (figures["quipu"].median(), batch[items]["quipu"].median())
        for name in figures:
            one, all_of_them = figures[name], batch[items][name]
            times = [f"{one.median() / ours[0]:.2f}", f"{all_of_them.median() / ours[1]:.2f}"]
            wall = [f"{1000 * one.median() / one_by_one(items):.2f}", f"{all_of_them.median():.2f}"]
            cpu = [f"{1000 * one.median_cpu() / one_by_one(items):.2f}", f"{all_of_them.median_cpu():.2f}"]
            rows.append([f"{items:,}", name, *wall, *cpu, *times, f"{one.memory:,.0f}", f"{all_of_them.memory:,.0f}"])
    least, most = min(single), max(single)
    for name in single[most]:
        one = (single[most][name].median() / one_by_one(most)) / (single[least][name].median() / one_by_one(least))
        ratios.append(f"{name} {one:,.0f} and {batch[most][name].median() / batch[least][name].median():,.0f}")
    many = f"{users:,} users"
    cost = ["ms/user", f"s/{many}", "processor ms/user", f"processor s/{many}"]
    head = ["items", "", *cost, "times ours, 1 user", f"times ours, {many}", "peak MB, 1 user", f"peak MB, {many}"]
    growth = f"{most:,} items take so many times the time of {least:,}, for one user and for {many}: {'; '.join(ratios)}."
    return f"{table(head, rows)}\n\n{growth}"


def parse() -> argparse.Namespace:
    """The command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="sizes of the catalogue")
    line.add_argument("--users", type=int, default=1_000, help="users of the batch")
    line.add_argument("--threads", type=int, default=2, help="processor threads of each contender")
    line.add_argument("--rounds", type=int, default=3, help="turns that count; the median is shown")
    line.add_argument("--serve", choices=CONTENDERS, help=argparse.SUPPRESS)
    line.add_argument("--batch", action="store_true", help=argparse.SUPPRESS)
    return line.parse_args()


def main() -> None:
    """Measure and print."""
    options = parse()
    if options.serve:
        serve(lambda: LOADERS[options.serve](options))
        return
    if find_spec("implicit") is None:
        raise SystemExit(INSTALL)
    found: list[dict[int, dict[str, Figures]]] = []
    for batch in ([], ["--batch"]):
        found.append({})
        for items in sorted(options.items):
            arguments = ["--items", str(items), "--users", str(options.users), *batch]
            found[-1][items] = hold("tests.benchmarks.recommendation", CONTENDERS, arguments, options.rounds, options.threads)
    print(report(*found, options.users))


if __name__ == "__main__":
    main()
