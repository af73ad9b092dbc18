"""A cache server in this process or in a child, and a plain client of the interface."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import grpc
import pytest

from affected.reapi import affected_v1_pb2 as records
from affected.reapi import byte_stream_pb2 as bs
from affected.reapi import remote_execution_pb2 as re_api
from cache_server.auth import Access, Scope, parse_tokens
from cache_server.journal import Journal
from cache_server.keys import BlobKey
from cache_server.metrics import Metrics
from cache_server.server import CacheServer
from cache_server.settings import Address, Settings
from cache_server.storage.disk import DiskStorage

ROOT = Path(__file__).resolve().parents[2]
API = "/build.bazel.remote.execution.v2."
STREAM = "/google.bytestream.ByteStream/"
METADATA = "build.bazel.remote.execution.v2.requestmetadata-bin"
TOKENS = "reader-token-0123456789 read ann\nwriter-token-0123456789 read-write ci\n"


def digest_of(content):
    return re_api.Digest(hash=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def name_of(content, place="blobs"):
    digest = digest_of(content)
    return f"{place}/{digest.hash}/{digest.size_bytes}"


def upload_name(content, place="blobs", before=""):
    return f"{before}uploads/{uuid.uuid4()}/{name_of(content, place)}"


class Client:
    """Calls the interface with given metadata; what is refused raises `grpc.RpcError`."""

    digest_of = staticmethod(digest_of)
    name_of = staticmethod(name_of)
    upload_name = staticmethod(upload_name)

    def __init__(self, target, token="", tool=None, key=METADATA, credentials=None):
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self.channel = (
            grpc.insecure_channel(target, options)
            if credentials is None
            else grpc.secure_channel(target, credentials, options)
        )
        self.metadata = [("authorization", f"Bearer {token}")] if token else []
        if tool is not None:
            details = re_api.ToolDetails(tool_name=tool[0], tool_version=tool[1])
            said = re_api.RequestMetadata(tool_details=details)
            self.metadata.append((key, said.SerializeToString()))

    def unary(self, path, request, reply):
        call = self.channel.unary_unary(path, lambda m: m.SerializeToString(), reply.FromString)
        return call(request, metadata=self.metadata, timeout=20)

    def capabilities(self, **fields):
        request = re_api.GetCapabilitiesRequest(**fields)
        return self.unary(API + "Capabilities/GetCapabilities", request, re_api.ServerCapabilities)

    def get(self, action, **fields):
        request = re_api.GetActionResultRequest(action_digest=action, **fields)
        return self.unary(API + "ActionCache/GetActionResult", request, re_api.ActionResult)

    def update(self, action, result, **fields):
        request = re_api.UpdateActionResultRequest(
            action_digest=action, action_result=result, **fields
        )
        return self.unary(API + "ActionCache/UpdateActionResult", request, re_api.ActionResult)

    def missing(self, digests, **fields):
        request = re_api.FindMissingBlobsRequest(blob_digests=digests, **fields)
        path = API + "ContentAddressableStorage/FindMissingBlobs"
        return list(self.unary(path, request, re_api.FindMissingBlobsResponse).missing_blob_digests)

    def batch_update(self, parts, **fields):
        """`parts`: (digest, bytes, compressor); the statuses."""
        request = re_api.BatchUpdateBlobsRequest(**fields)
        for digest, content, compressor in parts:
            request.requests.add(digest=digest, data=content, compressor=compressor)
        path = API + "ContentAddressableStorage/BatchUpdateBlobs"
        return list(self.unary(path, request, re_api.BatchUpdateBlobsResponse).responses)

    def put(self, *contents):
        """Upload in one batch; the digests."""
        answers = self.batch_update([(digest_of(content), content, 0) for content in contents])
        assert [answer.status.code for answer in answers] == [0] * len(contents)
        return [digest_of(content) for content in contents]

    def batch_read(self, digests, **fields):
        request = re_api.BatchReadBlobsRequest(digests=digests, **fields)
        path = API + "ContentAddressableStorage/BatchReadBlobs"
        return list(self.unary(path, request, re_api.BatchReadBlobsResponse).responses)

    def tree(self, root, **fields):
        path = API + "ContentAddressableStorage/GetTree"
        call = self.channel.unary_stream(
            path, lambda m: m.SerializeToString(), re_api.GetTreeResponse.FromString
        )
        request = re_api.GetTreeRequest(root_digest=root, **fields)
        return list(call(request, metadata=self.metadata, timeout=20))

    def read(self, name, offset=0, limit=0):
        call = self.channel.unary_stream(
            STREAM + "Read", lambda m: m.SerializeToString(), bs.ReadResponse.FromString
        )
        request = bs.ReadRequest(resource_name=name, read_offset=offset, read_limit=limit)
        return b"".join(part.data for part in call(request, metadata=self.metadata, timeout=20))

    def start_write(self, requests):
        """A call that goes on in the background; its reply has the committed size."""
        call = self.channel.stream_unary(
            STREAM + "Write", lambda m: m.SerializeToString(), bs.WriteResponse.FromString
        )
        return call.future(iter(requests), metadata=self.metadata, timeout=20)

    def write(self, requests):
        """Send an iterable of WriteRequests; the committed size."""
        return self.start_write(requests).result().committed_size

    def exchange(self, method, requests, reply):
        """A stream for a stream; the replies."""
        call = self.channel.stream_stream(
            f"/affected.v1.Records/{method}", lambda m: m.SerializeToString(), reply.FromString
        )
        return list(call(iter(requests), metadata=self.metadata, timeout=20))

    def look_up(self, *requests):
        return self.exchange("LookUp", requests, records.LookUpResponse)

    def update_records(self, *requests):
        return self.exchange("Update", requests, records.UpdateResponse)

    def status(self, name):
        request = bs.QueryWriteStatusRequest(resource_name=name)
        return self.unary(STREAM + "QueryWriteStatus", request, bs.QueryWriteStatusResponse)


def messages(name, content, piece=1000, *, repeat=False, start=0, finish=True):
    """The messages of one upload, whose first byte stands at `start`."""
    cuts = range(0, len(content), piece) or [0]
    for number, cut in enumerate(cuts):
        yield bs.WriteRequest(
            resource_name=name if repeat or number == 0 else "",
            write_offset=start + cut,
            finish_write=finish and cut + piece >= len(content),
            data=content[cut : cut + piece],
        )


def wait_until(true, seconds=10.0):
    """Ask again and again until it is true; the test fails when it never is."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def eventually():
    return wait_until


@pytest.fixture(scope="session")
def write_messages():
    return messages


@pytest.fixture(scope="session")
def refused():
    """A block in which a call must fail with the given code of the interface."""

    class Refused:
        def __init__(self, code):
            self.code = code
            self.raises = pytest.raises(grpc.RpcError)

        def __enter__(self):
            self.failed = self.raises.__enter__()
            return self.failed

        def __exit__(self, *error):
            caught = self.raises.__exit__(*error)
            assert self.failed.value.code().name == self.code, self.failed.value.details()
            return caught

    return Refused


class Served:
    """A server in this process, with its storage, log and metrics at hand."""

    def __init__(
        self, folder, tokens="", anonymous=Scope.READ_WRITE, limit=1 << 26, bucket=None, **s3
    ):
        self.log = io.StringIO()
        self.metrics = Metrics()
        self.storage = DiskStorage(
            folder, limit, lambda event, _, size: self.metrics.unasked(event, size)
        )
        if bucket is not None:
            self.storage = self.before(bucket, **s3)
        self.folder = folder
        far = None if bucket is None else str(bucket.place)  # then nothing is served in one thread
        settings = Settings(
            Address("127.0.0.1", 0), folder, limit, log_calls=True, drain_seconds=0.2, s3=far
        )
        access = Access(parse_tokens(tokens), anonymous)
        journal = Journal(self.log, time.time)
        self.server = CacheServer(settings, access, self.storage, self.metrics, journal)
        self.target = f"127.0.0.1:{self.server.start()}"
        self.channels = []

    def before(self, bucket, seconds=20.0, slow=1.0, cut=5.0):
        """The folder's storage as the near one of a bucket."""
        from cache_server.storage.s3 import S3Storage  # noqa: PLC0415  (needs obstore)
        from cache_server.storage.s3_line import Line  # noqa: PLC0415
        from cache_server.storage.tiered import TieredStorage  # noqa: PLC0415
        from cache_server.stores import Watch  # noqa: PLC0415

        watch = Watch(self.metrics, Journal(self.log, time.time))
        line = Line(str(bucket.place), watch, slow=slow, cut=cut)
        self.near = self.storage
        self.far = S3Storage(
            bucket.store(seconds), line, lambda event, _, size: self.metrics.unasked(event, size)
        )
        return TieredStorage(self.near, self.far)

    def s3_calls(self):
        """How many calls each operation took, by outcome."""
        found = {}
        for family in self.metrics.registry.collect():
            for sample in family.samples:
                if sample.name == "affected_cache_s3_call_seconds_count":
                    place = sample.labels["operation"], sample.labels["outcome"]
                    found[place] = int(sample.value)
        return found

    def troubles(self):
        """What the log says of S3."""
        return [line["message"] for line in self.lines() if line["event"] == "s3"]

    def lines(self):
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def client(self, **options):
        client = Client(self.target, **options)
        self.channels.append(client.channel)
        return client

    def close(self):
        for channel in self.channels:
            channel.close()
        self.server.drain()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One server for a module; tests use contents and instances of their own."""
    served = Served(tmp_path_factory.mktemp("served") / "store")
    yield served
    served.close()


@pytest.fixture
def serve(tmp_path):
    """Starts servers with options of one's own."""
    running = []

    def begin(**options):
        folder = options.pop("folder", tmp_path / f"store-{len(running)}")
        running.append(Served(folder, **options))
        return running[-1]

    yield begin
    for served in running:
        served.close()


@pytest.fixture(scope="module")
def client(served):
    return served.client()


class Child:
    """`affected-cache serve` in a process of its own."""

    def __init__(self, folder, *options, environ=None):
        self.folder = folder
        if "--processes" not in options:
            options = (*options, "--processes", "1")
        command = [sys.executable, "-m", "cache_server", "serve", "--listen", "127.0.0.1:0"]
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        self.process = subprocess.Popen(
            [*command, "--dir", str(folder), *options],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths, **(environ or {})},
        )
        self.first = json.loads(self.process.stderr.readline())
        self.target = f"127.0.0.1:{self.first['port']}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def terminate(self):
        """SIGTERM; the exit code and the log lines."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=20)
        return self.process.returncode, [json.loads(line) for line in log.splitlines()]


@pytest.fixture
def child(tmp_path):
    """Starts servers in child processes, over one folder."""
    running = []
    channels = []

    def begin(*options, environ=None):
        running.append(Child(tmp_path / "child-store", *options, environ=environ))
        return running[-1]

    def connect(server, **options):
        client = Client(server.target, **options)
        channels.append(client.channel)
        return client

    begin.client = connect
    yield begin
    for channel in channels:
        channel.close()
    for server in running:
        if server.process.returncode is None:
            server.kill()


@pytest.fixture(scope="session")
def key_of():
    return lambda content: BlobKey(digest_of(content).hash, len(content))


@pytest.fixture(scope="session")
def reader():
    """The token that may only read."""
    return TOKENS.split(maxsplit=1)[0]


@pytest.fixture(scope="session")
def writer():
    """The token that may write."""
    return TOKENS.splitlines()[1].split()[0]


@pytest.fixture(scope="session")
def tokens():
    """A token list: a reader's and a writer's."""
    return TOKENS
