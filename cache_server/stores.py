"""Opens the storage that the settings name. Unaware of calls and of the command line.

Packages that only S3 needs are loaded only when S3 is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cache_server.journal import Journal
from cache_server.metrics import Metrics
from cache_server.settings import Settings, SettingsError
from cache_server.storage.disk import DiskStorage
from cache_server.storage.protocol import Storage, Tell

if TYPE_CHECKING:
    from cache_server.storage.s3_bucket import Bucket


class Watch:
    """Tells the log and the metrics how S3 does."""

    def __init__(self, metrics: Metrics, journal: Journal) -> None:
        self._metrics = metrics
        self._journal = journal

    def call(self, operation: str, outcome: str, seconds: float) -> None:
        """As `storage.s3_line.Watch` says."""
        self._metrics.s3_call(operation, outcome, seconds)

    def trouble(self, kind: str, sentence: str) -> None:
        """As `storage.s3_line.Watch` says."""
        self._journal.write("s3", kind=kind, message=sentence)


def open_storage(
    settings: Settings,
    metrics: Metrics,
    journal: Journal,
    environ: Mapping[str, str],
    seat: tuple[int, int] | None = None,
) -> Storage:
    """A folder, or a folder before a bucket; SettingsError when the bucket cannot be used.

    `seat` says which of several processes this is, of how many.
    """

    def tell(event: str, name: str, size: int) -> None:
        metrics.unasked(event, size)
        if event != "evicted" or settings.log_calls:
            journal.write(event, name=name, bytes=size)

    if settings.s3 is None:
        return DiskStorage(settings.folder, settings.max_bytes, tell, seat)
    return before_bucket(settings, tell, Watch(metrics, journal), environ, seat)


def opened_bucket(
    settings: Settings, say: Callable[[str, str], None], environ: Mapping[str, str]
) -> tuple[Bucket, int | None]:
    """The bucket, and the days that its rules let an object live; SettingsError when it is none."""
    try:
        from cache_server.storage.s3_bucket import (  # noqa: PLC0415
            Bucket,
            BucketAway,
            BucketError,
            parse_place,
        )
    except ModuleNotFoundError as missing:
        raise SettingsError(
            f"{missing.name} is not installed: pip install 'affected-ci[server,s3]'"
        ) from missing
    lifetime: int | None = None
    try:
        bucket = Bucket(parse_place(settings.s3 or "", settings.s3_endpoint), environ)
        try:
            bucket.require()
            lifetime = bucket.lifetime()
        except BucketAway as trouble:  # it may come back: what is near is served meanwhile
            say("failed", str(trouble))
    except BucketError as trouble:
        raise SettingsError(str(trouble)) from trouble
    return bucket, lifetime


def before_bucket(
    settings: Settings,
    tell: Tell,
    watch: Watch,
    environ: Mapping[str, str],
    seat: tuple[int, int] | None,
) -> Storage:
    """The folder as the near storage, the bucket as the far one."""
    try:
        from cache_server.storage.s3 import S3Storage  # noqa: PLC0415
        from cache_server.storage.s3_line import Line  # noqa: PLC0415
        from cache_server.storage.tiered import TieredStorage  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise SettingsError(
            f"{missing.name} is not installed: pip install 'affected-ci[server,s3]'"
        ) from missing
    bucket, lifetime = opened_bucket(settings, watch.trouble, environ)
    line = Line(str(bucket.place), watch)
    store = bucket.store(settings.s3_seconds)
    far = S3Storage(store, line, tell, lifetime=lifetime, renew=bucket.renew)
    try:
        near = DiskStorage(settings.folder, settings.max_bytes, tell, seat)
    except BaseException:
        far.close()
        raise
    return TieredStorage(near, far)
