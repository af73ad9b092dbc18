"""The command itself, as a process: start, signals, kill -9, TLS, tokens, health, metrics."""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from affected.reapi.byte_stream_pb2 import WriteRequest
from affected.reapi.remote_execution_pb2 import ActionResult
from cache_server.__main__ import program

ROOT = Path(__file__).resolve().parents[2]
REFLECT = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


def health(client):
    return client.unary(
        "/grpc.health.v1.Health/Check",
        health_pb2.HealthCheckRequest(),
        health_pb2.HealthCheckResponse,
    ).status


def test_what_was_kept_is_there_after_kill_9_in_the_middle_of_uploads(
    child, write_messages, refused
):
    """Whole blobs and results stay, half ones never appear, and can be sent again."""
    server = child()
    client = child.client(server)
    kept, half = os.urandom(5000), os.urandom(3_000_000)
    (digest,) = client.put(kept)
    action = client.digest_of(b"action")
    result = ActionResult()
    result.output_files.add(path="out", digest=digest)
    client.update(action, result)
    sent = threading.Event()

    def upload():
        name = client.upload_name(half)
        yield WriteRequest(resource_name=name, data=half[:2_000_000])
        sent.set()
        time.sleep(20)

    call = client.start_write(upload())
    assert sent.wait(10)
    scratch = server.folder / "tmp"
    end = time.monotonic() + 10
    while not any(scratch.iterdir()) and time.monotonic() < end:
        time.sleep(0.01)
    assert any(scratch.iterdir())
    server.kill()
    with pytest.raises(grpc.RpcError):
        call.result()

    server = child()
    assert server.first["entries"] == 2
    assert not any(scratch.iterdir())
    client = child.client(server)
    assert client.get(action) == result
    assert client.read(client.name_of(kept)) == kept
    with refused("NOT_FOUND"):
        client.read(client.name_of(half))
    assert client.write(write_messages(client.upload_name(half), half, 1 << 20)) == len(half)
    assert (
        hashlib.sha256(client.read(client.name_of(half))).hexdigest() == client.digest_of(half).hash
    )


def test_sigterm_lets_running_calls_end(child):
    """New ones are refused, a running upload is kept, the process ends with 0."""
    server = child()
    client = child.client(server)
    content = os.urandom(2_000_000)
    name = client.upload_name(content)
    sent, go_on = threading.Event(), threading.Event()

    def upload():
        yield WriteRequest(resource_name=name, data=content[:1_000_000])
        sent.set()
        go_on.wait(10)
        yield WriteRequest(write_offset=1_000_000, data=content[1_000_000:], finish_write=True)

    assert health(client) == health_pb2.HealthCheckResponse.SERVING
    call = client.start_write(upload())
    assert sent.wait(10)
    while not any((server.folder / "tmp").iterdir()):
        time.sleep(0.01)
    server.process.terminate()
    time.sleep(0.3)
    go_on.set()
    assert call.result().committed_size == len(content)
    code, log = server.terminate()
    assert code == 0
    assert [line["event"] for line in log] == ["draining", "stopped"]


def test_health_and_reflection_answer_without_a_token(child, tokens, tmp_path):
    """Load balancers and curious people have none."""
    file = tmp_path / "tokens"
    file.write_text(tokens)
    client = child.client(child("--tokens", str(file)))
    assert health(client) == health_pb2.HealthCheckResponse.SERVING
    call = client.channel.stream_stream(
        REFLECT,
        lambda m: m.SerializeToString(),
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    ask = reflection_pb2.ServerReflectionRequest
    symbol = "build.bazel.remote.execution.v2.ActionCache"
    answers = call(iter([ask(list_services=""), ask(file_containing_symbol=symbol)]), timeout=10)
    listed = {service.name for service in next(answers).list_services_response.service}
    assert {symbol, "google.bytestream.ByteStream", "grpc.health.v1.Health"} <= listed
    assert next(answers).file_descriptor_response.file_descriptor_proto


def test_tokens_say_who_may_read_and_write(child, tokens, refused, reader, writer):
    """From the environment; wrong ones are refused, and none of them is ever logged."""
    server = child(environ={"AFFECTED_CACHE_TOKENS": tokens.replace("\n", ",")})
    content = os.urandom(20)
    for wrong in ("", "neither-of-the-two"):
        with refused("UNAUTHENTICATED"):
            child.client(server, token=wrong).capabilities()
    with refused("PERMISSION_DENIED"):
        child.client(server, token=reader).put(content)
    child.client(server, token=writer).put(content)
    client = child.client(server, token=reader)
    assert client.read(client.name_of(content)) == content
    with refused("PERMISSION_DENIED"):
        client.write([WriteRequest(resource_name=client.upload_name(b"xyz"), data=b"xyz")])
    _, log = server.terminate()
    assert {line["code"] for line in log if line["event"] == "call"} == {
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
    }
    assert {line["caller"] for line in log if line.get("code") == "PERMISSION_DENIED"} == {"ann"}
    for secret in (reader, writer, "neither-of-the-two"):
        assert secret not in str(log)


def test_metrics_tell_hits_by_instance_and_client(child, refused):
    """In Prometheus' text, with times, bytes and how full the storage is."""
    server = child("--metrics", "127.0.0.1:0", "--max-size", "2G")
    client = child.client(server, tool=("pants", "2.17"))
    action = client.digest_of(b"a")
    with refused("NOT_FOUND"):
        client.get(action, instance_name="main")
    client.update(action, ActionResult(exit_code=0), instance_name="main")
    client.get(action, instance_name="main")
    client.put(b"12345")
    address = f"http://127.0.0.1:{server.first['metrics_port']}/metrics"
    with urllib.request.urlopen(address, timeout=10) as answer:
        text = answer.read().decode()
    for line in (
        'affected_cache_lookups_total{client="pants",instance="main",outcome="hit"} 1.0',
        'affected_cache_lookups_total{client="pants",instance="main",outcome="miss"} 1.0',
        'affected_cache_blob_bytes_total{direction="in"} 5.0',
        "affected_cache_entries 2.0",
        "affected_cache_limit_bytes 2.147483648e+09",
        'affected_cache_call_seconds_count{code="NOT_FOUND",method="GetActionResult"} 1.0',
    ):
        assert line in text


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, a server's and a client's certificate, by openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")

    def run(*words):
        subprocess.run([openssl, *words], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "rsa:2048", "-nodes")
    run(*new, "-x509", "-subj", "/CN=test ca", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name in ("server", "client"):
        run(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        run(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.pem",
        )  # fmt: skip
    return folder


@pytest.mark.parametrize("mutual", [False, True])
def test_tls_and_mutual_tls(child, certificates, refused, mutual):
    """With an authority of clients, one without its certificate does not get in."""
    options = [
        "--tls-cert",
        f"{certificates}/server.pem",
        "--tls-key",
        f"{certificates}/server.key",
    ]
    if mutual:
        options += ["--client-ca", f"{certificates}/ca.pem"]
    server = child(*options)
    authority, key, chain = (
        (certificates / name).read_bytes() for name in ("ca.pem", "client.key", "client.pem")
    )
    bare = grpc.ssl_channel_credentials(authority)
    full = grpc.ssl_channel_credentials(authority, key, chain)
    content = uuid.uuid4().bytes
    client = child.client(server, credentials=full if mutual else bare)
    client.put(content)
    assert client.read(client.name_of(content)) == content
    if mutual:
        with refused("UNAVAILABLE"):
            child.client(server, credentials=bare).capabilities()


def test_a_second_server_on_the_folder_or_the_port_is_refused(child, tmp_path):
    """With one sentence and exit code 2."""
    server = child()
    for options, sentence in (
        (["--dir", str(server.folder), "--listen", "127.0.0.1:0"], "another server serves"),
        (["--dir", str(tmp_path / "x"), "--listen", server.target], "is the port taken"),
    ):
        answer = CliRunner().invoke(program, ["serve", *options])
        assert answer.exit_code == 2
        assert sentence in answer.stderr
        assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--listen", "8980"], "is not an address"),
        (["--listen", "127.0.0.1:99999"], "is not an address"),
        (["--max-size", "lots"], "is not a size"),
        (["--max-size", "3"], "at least 1M"),
        (["--metrics", "here"], "is not an address"),
        (["--listen", "0.0.0.0:0"], "anyone who reaches this address"),
        (["--tls-cert", __file__], "go together"),
        (["--client-ca", __file__], "needs --tls-cert"),
        (["--tokens", "{bad}"], "token entry 2: write TOKEN"),
        (["--tokens", "{empty}"], "holds no token"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(tmp_path, options, sentence):
    """It names what is wrong and what would do."""
    (tmp_path / "bad").write_text("# a comment\nsecret-secret-secret maybe\n")
    (tmp_path / "empty").write_text("\n# nothing\n")
    words = [word.format(bad=tmp_path / "bad", empty=tmp_path / "empty") for word in options]
    answer = CliRunner().invoke(program, ["serve", "--dir", str(tmp_path / "s"), *words])
    assert answer.exit_code == 2
    assert sentence in answer.stderr
    assert "secret-secret" not in answer.stderr


def test_help_names_the_command():
    """Both levels."""
    assert "serve" in CliRunner().invoke(program, ["--help"]).output
    assert "--max-size" in CliRunner().invoke(program, ["serve", "--help"]).output


def test_freed_memory_is_kept_where_the_c_library_can():
    """Elsewhere the server goes without; asking is no error."""
    ask = "from cache_server.allocator import keep_freed_memory as k; print(k(), k())"
    answer = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() in (["True", "True"], ["False", "False"])


def test_without_the_servers_packages_the_command_says_what_to_install(tmp_path):
    """One sentence; help needs none of them."""
    without = (
        "import sys; sys.modules['grpc'] = None; sys.argv[0] = 'affected-cache';"
        "from cache_server.__main__ import main; main()"
    )

    def run(*words):
        command = [sys.executable, "-c", without, *words]
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        environ = {**os.environ, "PYTHONPATH": paths}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    answer = run("serve", "--dir", str(tmp_path / "s"))
    assert answer.returncode == 2
    assert "grpc is not installed: pip install 'affected-ci[server]'" in answer.stderr
    assert not (tmp_path / "s").exists()
    assert run("serve", "--help").returncode == 0
