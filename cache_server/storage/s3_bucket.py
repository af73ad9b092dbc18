"""A bucket before and beside its use: address, credentials, set-up, rules of its life cycle.

boto3 does this, since it knows every way to come by credentials. Unaware of blobs and results.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    NoCredentialsError,
)
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.store import S3Store

NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
FOLDERS: Final = ("cas", "ac")
RULE: Final = "affected-cache"  # what the names of our rules start with
DAY: Final = 86_400
LEFTOVER_DAYS: Final = 1  # of an upload in parts that nobody ended
QUARANTINE_DAYS: Final = 14


class BucketError(Exception):
    """The bucket cannot be used; the message says why and what would do."""


class BucketAway(BucketError):
    """Nothing answers there at the moment: that may pass."""


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, the prefix of all keys in it ("" or without slashes around), where it is served.

    `endpoint` None is Amazon's own.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def key(self, name: str) -> str:
        """The object's whole key."""
        return f"{self.prefix}/{name}" if self.prefix else name


def parse_place(text: str, endpoint: str | None) -> Place:
    """`s3://BUCKET[/PREFIX]` → place; BucketError for anything else."""
    scheme, _, rest = text.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or NAME.fullmatch(bucket) is None:
        raise BucketError(f"{text!r} is no bucket; write one like s3://BUCKET/PREFIX")
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise BucketError(f"{endpoint!r} is no endpoint; write one like https://HOST:PORT")
    return Place(bucket, prefix.strip("/"), endpoint)


class Bucket:
    """boto3's client for one place, with the credentials of the environment."""

    def __init__(self, place: Place, environ: Mapping[str, str]) -> None:
        self.place = place
        self._session = boto3.Session()
        self._region = (
            self._session.region_name or environ.get("AWS_REGION") or "us-east-1"
        )  # a bucket behind an endpoint of its own has none
        settings = Config(
            connect_timeout=5, read_timeout=20, retries={"max_attempts": 2, "mode": "standard"},
            s3={"addressing_style": "path" if place.endpoint else "auto"},
        )  # fmt: skip
        try:
            self._client: Any = self._session.client(
                "s3", endpoint_url=place.endpoint, region_name=self._region, config=settings
            )
        except (BotoCoreError, ValueError) as trouble:
            raise BucketError(f"cannot use {place}: {trouble}") from trouble

    def require(self) -> None:
        """BucketError unless the bucket is there and the credentials open it."""
        if self._session.get_credentials() is None:
            raise BucketError(
                "no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "AWS_PROFILE, or give the machine a role"
            )
        self._ask("head_bucket")

    def store(self, seconds: float) -> S3Store:
        """The bucket for the data path; a call may take `seconds`."""
        place = self.place
        return S3Store(
            place.bucket,
            prefix=place.prefix or None,
            endpoint=place.endpoint,
            region=self._region,
            virtual_hosted_style_request=place.endpoint is None,
            credential_provider=Boto3CredentialProvider(self._session),
            client_options={
                "timeout": f"{seconds}s",
                "connect_timeout": f"{min(seconds, 5.0)}s",
                "allow_http": (place.endpoint or "").startswith("http://"),
                "pool_max_idle_per_host": "128",
            },
            retry_config={
                "max_retries": 2,
                "retry_timeout": timedelta(seconds=seconds),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=50),
                    "max_backoff": timedelta(seconds=1),
                    "base": 2,
                },
            },
        )

    def rules(self) -> list[dict[str, Any]]:
        """The bucket's rules of its life cycle, anyone's."""
        try:
            answer = self._ask("get_bucket_lifecycle_configuration")
        except NoRules:
            return []
        found: list[dict[str, Any]] = answer.get("Rules", [])
        return found

    def lifetime(self) -> int | None:
        """Days that our rules let an object live; None without a rule."""
        wanted = {rule["ID"] for rule in rules_of(self.place, 1)[: len(FOLDERS)]}
        days = [
            rule["Expiration"]["Days"] for rule in self.rules()
            if rule.get("ID") in wanted and "Days" in rule.get("Expiration", {})
        ]  # fmt: skip
        return min(days, default=None)

    def write_rules(self, days: int | None) -> int:
        """Set our rules for this prefix (None: take them away), keep others; how many others."""
        ours = {rule["ID"] for rule in rules_of(self.place, 1)}
        others = [rule for rule in self.rules() if rule.get("ID") not in ours]
        wanted = others + (rules_of(self.place, days) if days is not None else [])
        if wanted:
            self._ask(
                "put_bucket_lifecycle_configuration", LifecycleConfiguration={"Rules": wanted}
            )
        else:
            self._ask("delete_bucket_lifecycle")
        return len(others)

    def renew(self, name: str) -> None:
        """Copy the object onto itself, so that its life starts again."""
        key = self.place.key(name)
        self._ask(
            "copy_object", Key=key, CopySource={"Bucket": self.place.bucket, "Key": key},
            MetadataDirective="REPLACE",
        )  # fmt: skip

    def remove_older(self, moment: float, *, dry_run: bool) -> tuple[int, int]:
        """Delete what was written before `moment` (seconds since 1970); objects, bytes."""
        number = size = 0
        token: dict[str, str] = {}
        while True:
            page = self._ask("list_objects_v2", Prefix=self.place.key(""), **token)
            old = [
                entry for entry in page.get("Contents", [])
                if entry["LastModified"].timestamp() < moment and self._is_ours(entry["Key"])
            ]  # fmt: skip
            if old and not dry_run:
                keys = [{"Key": entry["Key"]} for entry in old]
                self._ask("delete_objects", Delete={"Objects": keys, "Quiet": True})
            number += len(old)
            size += sum(entry["Size"] for entry in old)
            if not page.get("IsTruncated"):
                return number, size
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _is_ours(self, key: str) -> bool:
        return key.removeprefix(self.place.key("")).startswith(("cas/", "ac/", "quarantine/"))

    def unfinished(self) -> list[str]:
        """Keys below the prefix with an upload in parts that was neither ended nor aborted."""
        answer = self._ask("list_multipart_uploads", Prefix=self.place.key(""))
        return [upload["Key"] for upload in answer.get("Uploads", [])]

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401  (boto3's)
        try:
            answer: dict[str, Any] = getattr(self._client, method)(
                Bucket=self.place.bucket, **parameters
            )
        except NoCredentialsError as trouble:
            raise BucketError(f"no credentials for {self.place}: {trouble}") from trouble
        except ClientError as trouble:
            raise refused(self.place, trouble) from trouble
        except BotoCoreError as trouble:
            raise BucketAway(f"S3 does not answer for {self.place}: {trouble}") from trouble
        return answer


class NoRules(BucketError):
    """The bucket has no rules yet."""


def refused(place: Place, trouble: ClientError) -> BucketError:
    """What an answer of S3 that is none means."""
    code = trouble.response.get("Error", {}).get("Code", "")
    status = trouble.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "NoSuchLifecycleConfiguration":
        return NoRules(f"no rules for {place}")
    if status == 404:  # noqa: PLR2004
        return BucketError(f"there is no bucket {place.bucket}{served_at(place)}: create it first")
    if status in {400, 401, 403}:
        return BucketError(f"S3 refuses the credentials for {place}{served_at(place)}: {code}")
    return BucketAway(f"S3 failed for {place}{served_at(place)}: {trouble}")


def served_at(place: Place) -> str:
    """For sentences: " at ENDPOINT"."""
    return f" at {place.endpoint}" if place.endpoint else ""


def rules_of(place: Place, days: int) -> list[dict[str, Any]]:
    """Our rules: what is kept lives `days`, then what is damaged, then what was left half sent."""

    def rule(name: str, **effect: object) -> dict[str, Any]:
        where = f"{RULE} {place.prefix}".rstrip()
        prefix = place.key(f"{name}/") if name in {*FOLDERS, "quarantine"} else place.key("")
        return {
            "ID": f"{where} {name}",
            "Status": "Enabled",
            "Filter": {"Prefix": prefix},
            **effect,
        }

    lives = [rule(folder, Expiration={"Days": days}) for folder in FOLDERS]
    return [
        *lives,
        rule("quarantine", Expiration={"Days": QUARANTINE_DAYS}),
        rule("unfinished", AbortIncompleteMultipartUpload={"DaysAfterInitiation": LEFTOVER_DAYS}),
    ]
