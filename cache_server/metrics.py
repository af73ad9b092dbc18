"""Counts and times for Prometheus, and the small port that tells them. Unaware of messages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    start_http_server,
)

MOST_NAMES: Final = 100  # of instances or tools, before the rest is called "other"
SECONDS: Final = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0)


def merged(texts: Sequence[str]) -> str:
    """What several processes tell as one: counts are added, gauges are the largest."""
    kinds: dict[str, str] = {}
    values: dict[str, float] = {}
    lines: list[str] = []
    for text in texts:
        for line in text.splitlines():
            if line.startswith("#"):
                if line.startswith("# TYPE "):
                    _, _, name, kind = line.split(" ")
                    kinds[name] = kind
                if line not in lines:
                    lines.append(line)
                continue
            sample, _, value = line.rpartition(" ")
            if sample not in values:
                lines.append(sample)
                values[sample] = float(value)
            elif kinds.get(sample.partition("{")[0]) == "gauge":
                values[sample] = max(values[sample], float(value))
            else:
                values[sample] += float(value)
    ordered = _by_family(lines)
    return "".join(
        f"{line} {values[line]}\n" if line in values else f"{line}\n" for line in ordered
    )


def _by_family(lines: Sequence[str]) -> list[str]:
    """Samples that only a later process had stand with their family again."""
    families: dict[str, list[str]] = {}
    names = {line.split(" ")[2] for line in lines if line.startswith("#")}
    for line in lines:
        name = line.split(" ")[2] if line.startswith("#") else line.partition("{")[0]
        for end in ("", "_bucket", "_count", "_sum"):
            if name.endswith(end) and name.removesuffix(end) in names:
                name = name.removesuffix(end)
        families.setdefault(name, []).append(line)
    return [line for family in families.values() for line in family]


class FewNames:
    """Lets the first names through and calls the rest "other", so that labels stay few."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def of(self, name: str) -> str:
        """`name`, or "other" when there are too many."""
        if name not in self._names:
            if len(self._names) >= MOST_NAMES:
                return "other"
            self._names.add(name)
        return name


@dataclass(frozen=True, slots=True)
class Exporter:
    """A running metrics port."""

    port: int
    close: Callable[[], None]


class Metrics:
    """What is counted; every method may be called from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._names = FewNames()
        self._seconds = Histogram(
            "affected_cache_call_seconds", "Time to answer, by method and gRPC code.",
            ["method", "code"], buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self._lookups = Counter(
            "affected_cache_lookups", "Action results looked up.",
            ["instance", "client", "outcome"], registry=self.registry,
        )  # fmt: skip
        # a metric with its labels, found quickly
        self._ended: dict[tuple[str, str], Histogram] = {}
        self._asked: dict[tuple[str, str, str], Counter] = {}
        self._bytes = Counter(
            "affected_cache_blob_bytes", "Plain bytes of blobs, in and out.",
            ["direction"], registry=self.registry,
        )  # fmt: skip
        self._in = self._bytes.labels("in")
        self._out = self._bytes.labels("out")
        self._s3_seconds = Histogram(
            "affected_cache_s3_call_seconds", "Time of calls to S3, by operation and outcome.",
            ["operation", "outcome"], buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self._unasked = Counter(
            "affected_cache_storage_events", "Blobs and results evicted or found damaged.",
            ["event"], registry=self.registry,
        )  # fmt: skip
        self._unasked_bytes = Counter(
            "affected_cache_storage_event_bytes", "Bytes of those.",
            ["event"], registry=self.registry,
        )  # fmt: skip

    def s3_call(self, operation: str, outcome: str, seconds: float) -> None:
        """S3 was asked for something."""
        self._s3_seconds.labels(operation, outcome).observe(seconds)

    def call(self, method: str, code: str, seconds: float) -> None:
        """A call was answered."""
        ended = self._ended.get((method, code))
        if ended is None:
            ended = self._ended[method, code] = self._seconds.labels(method, code)
        ended.observe(seconds)

    def lookups(self, instance: str, client: str, hits: int, misses: int) -> None:
        """Action results were asked for."""
        for outcome, number in (("hit", hits), ("miss", misses)):
            if number:
                asked = self._asked.get((instance, client, outcome))
                if asked is None:
                    names = self._names.of(instance), self._names.of(client)
                    asked = self._lookups.labels(*names, outcome)
                    if "other" not in names:
                        self._asked[instance, client, outcome] = asked
                asked.inc(number)

    def received(self, size: int) -> None:
        """Bytes of blobs came in."""
        self._in.inc(size)

    def sent(self, size: int) -> None:
        """Bytes of blobs went out."""
        self._out.inc(size)

    def unasked(self, event: str, size: int) -> None:
        """The storage did something that nobody asked for."""
        self._unasked.labels(event).inc()
        self._unasked_bytes.labels(event).inc(size)

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Ask `value` whenever the metrics are read."""
        Gauge(f"affected_cache_{name}", meaning, registry=self.registry).set_function(value)

    def text(self) -> str:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry).decode()

    def serve(self, host: str, port: int) -> Exporter:
        """Answer `GET /metrics` there; OSError when the port is taken."""
        server, thread = start_http_server(port, addr=host, registry=self.registry)

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        assert isinstance(thread, threading.Thread)  # noqa: S101
        return Exporter(server.server_port, close)
