"""What tests of several folders share: one S3 server for all of them."""

import copy
import itertools

import pytest
from support import seaweed as weed


class Seaweed:
    """The running server: its endpoint, and fresh buckets."""

    def __init__(self, server):
        self.server = server
        self.endpoint = server.endpoint
        self.environ = dict(weed.ENVIRON)
        boto3 = pytest.importorskip("boto3", reason="boto3 is not installed (extra s3)")
        self.client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1")
        self._numbers = itertools.count()
        self._corners = False
        self._first = None

    def bucket(self):
        """A new, empty bucket."""
        name = f"tests-{next(self._numbers)}"
        self.client.create_bucket(Bucket=name)
        return self.place(name, "")

    def corner(self):
        """A new prefix of one bucket: quicker."""
        number = next(self._numbers)
        if not self._corners:
            self.client.create_bucket(Bucket="corners")
            self._corners = True
        return self.place("corners", f"a/{number}")

    def place(self, name, prefix, endpoint=None):
        from cache_server.storage.s3_bucket import Bucket, Place  # noqa: PLC0415  (needs boto3)

        place = Place(name, prefix, endpoint or self.endpoint)
        if endpoint is not None:
            return Bucket(place, self.environ)
        if self._first is None:
            self._first = Bucket(place, self.environ)
        bucket = copy.copy(self._first)  # boto3 takes its time to make a client
        bucket.place = place
        return bucket

    def keys(self, bucket):
        where = bucket.place
        listing = self.client.list_objects_v2(Bucket=where.bucket, Prefix=where.prefix)
        return sorted(entry["Key"] for entry in listing.get("Contents", []))


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory):
    """A real S3 server; its tests are in one xdist group, so that one is started."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in weed.ENVIRON.items():
            patch.setenv(name, value)
        try:
            with weed.running(tmp_path_factory.mktemp("seaweed")) as server:
                yield Seaweed(server)
        except weed.NoSeaweed as reason:
            pytest.skip(str(reason))


def pytest_configure(config):
    """The mark is xdist's; without it, it says nothing."""
    config.addinivalue_line("markers", "xdist_group(name): tests that one worker runs")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that want S3 go to one worker."""
    for item in items:
        if "seaweed" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("seaweed"))
