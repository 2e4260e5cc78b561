"""A disk and a clock that fail on request: the plan that faults.c reads while a node runs."""

import mmap
import pathlib
import struct
import subprocess

HERE = pathlib.Path(__file__).resolve().parent

# As in faults.c, in the same order.
FIELDS = ["calls", "strike_at", "how", "struck", "struck_file", "struck_kind", "files", "kinds"]
FIELDS += ["clock_offset", "clock_stopped"]
IO_ERROR, IO_ERROR_DONE, FULL, KILL_BEFORE, KILL_WITHIN, KILL_AFTER = range(1, 7)
WAYS = {
    "io-error": IO_ERROR,
    "io-error-but-done": IO_ERROR_DONE,
    "full": FULL,
    "kill-before": KILL_BEFORE,
    "kill-within": KILL_WITHIN,
    "kill-after": KILL_AFTER,
}
LOG, KEYS, LOCAL, VIEW, SHARED_MEMORY = 1, 2, 4, 8, 16
DATABASES = LOG | KEYS | LOCAL | VIEW
WRITES, SYNCS, TRUNCATIONS = 1, 2, 4
ALL_CALLS = WRITES | SYNCS | TRUNCATIONS
FILE_NAMES = {LOG: "log.db", KEYS: "keys.db", LOCAL: "local.db", VIEW: "view.db", SHARED_MEMORY: "-shm"}
KIND_NAMES = {WRITES: "write", SYNCS: "sync", TRUNCATIONS: "truncate"}


def build(directory):
    """Compiles the library. It takes a second, so it is done once for a run."""
    library = pathlib.Path(directory) / "faults.so"
    words = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-D_FILE_OFFSET_BITS=64"]
    subprocess.run([*words, "-o", library, HERE / "faults.c", "-ldl"], check=True)
    return library


class Plan:
    """The numbers that a process with the library looks at. They may change while it runs."""

    def __init__(self, library, path):
        path.write_bytes(bytes(8 * len(FIELDS)))
        with path.open("r+b") as file:
            self.mapped = mmap.mmap(file.fileno(), 0)
        self.environment = {"LD_PRELOAD": str(library), "COMITY_FAULTS": str(path)}
        self.watch()

    def __getattr__(self, name):
        if name not in FIELDS:
            raise AttributeError(name)
        return struct.unpack_from("=q", self.mapped, 8 * FIELDS.index(name))[0]

    def set(self, **numbers):
        for name, number in numbers.items():
            struct.pack_into("=q", self.mapped, 8 * FIELDS.index(name), number)

    def watch(self, files=DATABASES, kinds=ALL_CALLS):
        """Counts calls from now on, and lets none fail."""
        self.set(strike_at=0, how=0)
        self.set(calls=0, struck=0, struck_file=0, struck_kind=0, files=files, kinds=kinds)

    def strike(self, call, how, **what):
        """Lets the call of this number fail, counted from now, from 1."""
        self.watch(**what)
        self.set(how=how)
        self.set(strike_at=call)

    def close(self):
        self.mapped.close()

    def struck_what(self):
        """The file and the kind of the call that was struck first."""
        return FILE_NAMES[self.struck_file], KIND_NAMES[self.struck_kind]
