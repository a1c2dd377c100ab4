"""What a server tells those who watch over it: metrics in Prometheus' text format, and whether the node is ready."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

EXPOSITION_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

LATENCY_BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Upper ends in seconds."""


@dataclass(slots=True)
class Histogram:
    """How often values fell below each of the ascending upper ends, and their sum."""

    ends: tuple[float, ...]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.ends) + 1)

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.ends, value)] += 1
        self.total += value

    def lines(self, name: str, labels: str) -> Iterator[str]:
        """Yield the samples; `labels` are written without braces."""
        seen = 0
        for end, count in zip((*map(repr, self.ends), "+Inf"), self.counts, strict=True):
            seen += count
            separator = "," if labels else ""
            yield f'{name}_bucket{{{labels}{separator}le="{end}"}} {seen}'
        braces = f"{{{labels}}}" if labels else ""
        yield f"{name}_sum{braces} {self.total!r}"
        yield f"{name}_count{braces} {seen}"


class CallMetrics:
    """Calls by method and outcome. The methods are those of a registry, so there are no more series than those."""

    def __init__(self) -> None:
        self._histograms: dict[tuple[str, str], Histogram] = {}

    def observe(self, method: str, outcome: str, seconds: float) -> None:
        """Count a call that took so many seconds."""
        histogram = self._histograms.get((method, outcome))
        if histogram is None:
            histogram = self._histograms[method, outcome] = Histogram(LATENCY_BUCKETS)
        histogram.observe(seconds)

    def lines(self) -> Iterator[str]:
        """Yield the samples of all methods that were called."""
        name = "phal2_rpc_request_seconds"
        yield f"# HELP {name} Time from a request to its answer, by method and outcome."
        yield f"# TYPE {name} histogram"
        for (method, outcome), histogram in sorted(self._histograms.items()):
            yield from histogram.lines(name, f'method="{method}",outcome="{outcome}"')


@dataclass(frozen=True, slots=True)
class _Gauge:
    help: str
    read: Callable[[], float]
    labels: str = ""


@dataclass(frozen=True, slots=True)
class _NamedHistogram:
    help: str
    histogram: Histogram


class Monitoring:
    """The metrics of one server and its node, and the node's word whether it is ready.

    Gauges are read when they are asked for, on the event loop.
    """

    def __init__(self, not_ready_because: Callable[[], str | None] = lambda: None) -> None:
        """`not_ready_because` says what a node that should not be asked yet is waiting for; None where it is ready."""
        self.calls = CallMetrics()
        self.not_ready_because = not_ready_because
        self._gauges: dict[str, list[_Gauge]] = {}
        self._histograms: dict[str, _NamedHistogram] = {}

    def gauge(self, name: str, description: str, read: Callable[[], float], labels: str = "") -> None:
        """Offer a number; `labels` are in Prometheus' notation, without braces."""
        self._gauges.setdefault(name, []).append(_Gauge(description, read, labels))

    def histogram(self, name: str, description: str, ends: tuple[float, ...]) -> Histogram:
        """Offer a histogram and return it, to be fed."""
        named = self._histograms[name] = _NamedHistogram(description, Histogram(ends))
        return named.histogram

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format 0.0.4."""
        return "".join(f"{line}\n" for line in self._lines()).encode()

    def _lines(self) -> Iterator[str]:
        for name, gauges in self._gauges.items():
            yield f"# HELP {name} {gauges[0].help}"
            yield f"# TYPE {name} gauge"
            for gauge in gauges:
                yield f"{name}{{{gauge.labels}}} {gauge.read()!r}" if gauge.labels else f"{name} {gauge.read()!r}"
        for name, named in self._histograms.items():
            yield f"# HELP {name} {named.help}"
            yield f"# TYPE {name} histogram"
            yield from named.histogram.lines(name, "")
        yield from self.calls.lines()
