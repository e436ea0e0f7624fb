"""What redaction finds on texts that nobody tuned for, and how long it takes, beside stock Presidio with the same model
and beside what Prime's ancestor did (tests/corpus).

A value counts as found if something of its type covers it well (IoU >= 0.5); leaks are values of which some character
is covered by nothing. The technical prompts hold nothing personal: each that is touched is a false alarm."""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence

from core.redaction.model import Disposition
from core.redaction.policy import default_policy
from tests.bench.row import Row
from tests.corpus import peers
from tests.corpus.generate import Labelled, technical, texts
from tests.corpus.peers import Find
from tests.corpus.score import Scores

SEED = 7
PER_TEMPLATE = 8
LENGTHS: Mapping[int, tuple[float, int]] = {200: (0.8, 200), 2_000: (0.65, 60), 20_000: (0.6, 8)}
"""Characters -> the goal, as a ratio to stock, and how many texts."""
TOUCHED_GOAL = 5.0


async def run() -> list[Row]:
    finders = {
        "prime": peers.prime(),
        "rules": peers.prime_by_rules(),
        "stock": peers.stock_presidio(),
        "ancestor": peers.ancestor(),
    }
    held_out = list(texts(SEED, held_out=True, per_template=PER_TEMPLATE))
    scores = {name: _scored(find, held_out) for name, find in finders.items()}
    touched = {name: _touched(find) for name, find in finders.items()}
    return [
        *_found(scores),
        Row(
            what="technical prompts touched", figure=touched["prime"], unit="%", beside=TOUCHED_GOAL, beside_name="goal"
        ),
        *(
            Row(what="the same", figure=touched["prime"], unit="%", beside=touched[one], beside_name=one)
            for one in ("stock", "ancestor")
        ),
        *_latency(finders["prime"], finders["stock"], held_out),
    ]


def _scored(find: Find, labelled: Sequence[Labelled]) -> Scores:
    scores = Scores()
    for text in labelled:
        scores.add(text, find(text.text))
    return scores


def _touched(find: Find) -> float:
    """Percent of them in which something would be replaced, warned of or refused."""
    policy, prompts = default_policy(), technical()
    touched = [any(policy.of(one.type) is not Disposition.PASSTHROUGH for one in find(prompt)) for prompt in prompts]
    return 100 * sum(touched) / len(prompts)


def _found(scores: Mapping[str, Scores]) -> Iterator[Row]:
    """Recall beside the better peer's; the rest as it is, beside stock's."""
    for kind, prime in scores["prime"].by_type.items():
        if not prime.there:
            continue
        stock, ancestor, rules = (scores[one].by_type[kind] for one in ("stock", "ancestor", "rules"))
        name = f"{kind.value.lower()} ({prime.there})"
        best, best_name = max((stock.recall, "stock"), (ancestor.recall, "ancestor"))
        yield Row(what=f"{name}: recall", figure=prime.recall, unit="", beside=best, beside_name=best_name)
        yield Row(what="by rules alone", figure=rules.recall, unit="", beside=best, beside_name=best_name)
        yield Row(what="precision", figure=prime.precision, unit="", beside=stock.precision, beside_name="stock")
        yield Row(what="F2", figure=prime.f2, unit="", beside=stock.f2, beside_name="stock")
        yield Row(what="leaks", figure=prime.leak, unit="", beside=stock.leak, beside_name="stock")


def _latency(prime: Find, stock: Find, labelled: Sequence[Labelled]) -> Iterator[Row]:
    """Each text by one and then the other, so that noise meets both."""
    for length, (goal, count) in LENGTHS.items():
        ours, theirs = list[float](), list[float]()
        for text in _of_length(labelled, length, count):
            ours.append(_milliseconds(prime, text))
            theirs.append(_milliseconds(stock, text))
        ratio = statistics.median(ours) / statistics.median(theirs)
        named = f"{length:,} characters"
        yield Row(what=f"{named}, by stock", figure=ratio, unit="", beside=goal, beside_name="goal")
        for what, take in (("median", statistics.median), ("p95", _p95)):
            yield Row(what=f"{named}, {what}", figure=take(ours), unit="ms", beside=take(theirs), beside_name="stock")


def _of_length(labelled: Sequence[Labelled], length: int, count: int) -> Iterator[str]:
    words = "\n\n".join([*(one.text for one in labelled), *technical()])
    while len(words) < length * count:
        words += "\n\n" + words
    for number in range(count):
        yield words[number * length : (number + 1) * length]


def _milliseconds(find: Find, text: str) -> float:
    began = time.perf_counter()
    find(text)
    return 1000 * (time.perf_counter() - began)


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
