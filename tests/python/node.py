"""A node in a directory, driven by the command line, as an operator would."""

import json
import os
import pathlib
import select
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("COMITY_BIN") or ROOT / "target" / "debug" / "comity")
PASSWORD = "correct horse battery staple"
READY_SECONDS = 30
STOP_SECONDS = 20


class Node:
    def __init__(self, directory, made=False):
        """A new node, or one that was `made` before."""
        self.directory = pathlib.Path(directory)
        self.errors = self.directory.with_suffix(".log")
        self.process = None
        self.url = None
        if not made:
            self.run("init", self.directory)

    def run(self, *words, text=None, codes=(0,)):
        """A command; its standard output. Exit codes other than `codes` are a failure."""
        done = self.try_run(*words, text=text)
        if done.returncode not in codes:
            raise AssertionError(f"comity {words}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def try_run(self, *words, text=None):
        """A command, however it ends."""
        return subprocess.run(
            [str(BINARY), *map(str, words)], input=text, capture_output=True, encoding="utf-8", timeout=300
        )

    def verify(self):
        done = self.try_run("verify", self.directory)
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.log()}"

    def told(self, *words, **more):
        return json.loads(self.run("--json", *words, **more))

    def user(self, name, role):
        self.run("user", "add", self.directory, name, "--role", role, "--password-stdin", text=PASSWORD + "\n")
        return name, PASSWORD

    def token(self, user, *rights):
        return self.told("token", "add", self.directory, user, "--rights", ",".join(rights))["secret"]

    def collection(self, title, *more):
        return self.told("collection", "add", self.directory, title, *more)["collection"]["id"]

    def start(self, *more, environment=None):
        with self.errors.open("ab") as errors:
            self.process = self.popen(errors, *more, environment=environment)
        deadline = time.monotonic() + READY_SECONDS
        self.pin = None
        self.url = self.line(deadline).removeprefix("listening on ")
        assert self.url.startswith("http"), self.url
        if self.url.startswith("https"):
            self.pin = self.line(deadline).removeprefix("public key ")
        return self

    def popen(self, errors, *more, environment=None, listen="127.0.0.1:0"):
        return subprocess.Popen(
            [str(BINARY), "serve", str(self.directory), "--listen", listen, *more],
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **(environment or {})},
        )

    def line(self, deadline):
        """A line of its standard output."""
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            octet = os.read(self.process.stdout.fileno(), 1) if ready else b""
            if not octet:
                self.process.kill()
                raise AssertionError(f"the node did not get ready: {line!r}\n{self.log()}")
            line += octet
        return line.decode().strip()

    def hangup(self):
        self.process.send_signal(signal.SIGHUP)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """SIGTERM, and an orderly end."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"the node did not stop\n{self.log()}") from None
        finally:
            process.stdout.close()
        assert code == 0, f"exit code {code}\n{self.log()}"
        log = self.log()
        assert "panicked" not in log and " ERROR " not in log, log

    def end(self):
        """SIGTERM where it still runs; its exit code, whatever it is. A fault of the node is one."""
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        code = process.wait(STOP_SECONDS)
        process.stdout.close()
        assert "panicked" not in self.log(), self.log()
        return code

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        return self.errors.read_text(errors="replace") if self.errors.exists() else ""

    @property
    def root(self):
        return f"{self.url}/taxii2/comity/"

    def collection_url(self, collection):
        return f"{self.root}collections/{collection}/"
