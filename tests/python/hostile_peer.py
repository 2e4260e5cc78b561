"""Nodes on paper: servers for peers that answer as a test wants, true or not."""

import base64
import socket
import ssl
import threading
import time

from verify_log import TILE_WIDTH

TRICKLE_SECONDS = 1


def whole(body, status="200 OK", kind="application/octet-stream", more=""):
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


def head(length, more=""):
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{more}\r\n".encode()


NOTHING = whole(b"", "404 Not Found")
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HEARTBEAT = b"event: heartbeat\ndata: -\n\n"


def ring(log, size, note):
    return f"event: head\nid: {log}:{size}\ndata: {base64.b64encode(note).decode()}\n\n".encode()


class Liar:
    """The node of a party on paper. Answers are those of an honest node, unless a method of a
    subclass says something else: octets, or a generator of octets. None ends the connection."""

    def __init__(self, party):
        self.party, self.asked = party, []
        # Until then it closes the door on everybody who knocks.
        self.knocked, self.going, self.stopping = (threading.Event() for _ in range(3))
        self.logs = {"shared": party.shared, "acts": party.acts}
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.set_alpn_protocols(["http/1.1"])
        self.context.load_cert_chain(*self.shown())
        threading.Thread(target=self.accept, daemon=True).start()

    def shown(self):
        return self.party.certificate, self.party.key

    def accept(self):
        while not self.stopping.is_set():
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            if not self.going.is_set():
                raw.close()
                self.knocked.set()
                continue
            threading.Thread(target=self.connection, args=(raw,), daemon=True).start()

    def connection(self, raw):
        try:
            with self.wrap(raw) as stream:
                while not self.stopping.is_set():
                    request = self.request(stream)
                    if request is None:
                        return
                    self.asked.append(request)
                    answer = self.answer(request)
                    if answer is None:
                        return
                    for part in [answer] if isinstance(answer, bytes) else answer:
                        stream.sendall(part)
                        if self.stopping.is_set():
                            return
        except OSError:
            pass  # the node has gone, as it may

    def wrap(self, raw):
        return self.context.wrap_socket(raw, server_side=True)

    def request(self, stream):
        """The path of the next request."""
        text = b""
        while not text.endswith(b"\r\n\r\n"):
            octets = stream.recv(4096)
            if not octets:
                return None
            text += octets
        return text.split()[1].decode()

    def answer(self, path):
        if path == "/doorbell":
            return self.doorbell()
        if path == "/mirror/heads":
            return self.heads()
        if path.startswith("/mirror/"):
            return self.mirror(*path.split("/", 4)[2:])
        _, _, log, rest = path.split("/", 3)
        log = self.logs[log]
        if rest == "checkpoint":
            return self.checkpoint(log)
        if rest.startswith("tile/entries/"):
            number, _, width = rest.removeprefix("tile/entries/").partition(".p/")
            n = int(number.replace("/", "").replace("x", ""))
            return self.bundle(log, n, int(width or TILE_WIDTH))
        return self.release(log, int(rest.partition("=")[2]))

    def doorbell(self):
        return NOTHING

    def heads(self):
        """Of what logs of others it has heads."""
        return NOTHING

    def mirror(self, party, log, rest):
        """Of a log of somebody else."""
        return NOTHING

    def checkpoint(self, log):
        return whole(log.checkpoint(), kind="text/plain; charset=utf-8")

    def bundle(self, log, n, width):
        return whole(log.bundle(n, width))

    def release(self, log, start):
        return whole(log.page([]))

    def idle(self):
        """Nothing, for as long as the server lives."""
        while not self.stopping.wait(TRICKLE_SECONDS):
            yield b""

    def trickle(self, octets):
        for octet in octets:
            if self.stopping.wait(TRICKLE_SECONDS):
                return
            yield bytes([octet])

    def stop(self):
        self.stopping.set()
        self.listener.close()


def endless(what, first=b""):
    yield first
    while True:
        yield what
        time.sleep(0)


class Honest(Liar):
    """The node of a party on paper that does as the specification says: what another implementer
    would write. It releases all of its logs to whoever asks."""

    def __init__(self, party):
        super().__init__(party)
        self.grown = threading.Condition()
        self.going.set()

    def say(self, log, envelope):
        """One more entry; doorbells ring."""
        with self.grown:
            index = log.add(envelope)
            self.grown.notify_all()
        return index

    def release(self, log, start):
        return whole(log.page([index for index in log.openings if index >= start]), kind="application/jsonl")

    def doorbell(self):
        told = {}
        yield EVENTS
        while not self.stopping.is_set():
            with self.grown:
                sizes = {log.name: len(log.leaves) for log in self.logs.values()}
                news = [self.logs[name] for name, size in sizes.items() if told.get(name) != size]
                text = b"".join(ring(log.name, sizes[log.name], log.checkpoint()) for log in news)
                if not text and not self.grown.wait(TRICKLE_SECONDS):
                    text = HEARTBEAT
            told = sizes if news else told
            yield text
