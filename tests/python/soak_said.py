"""What a node said to somebody, over all its lives, and what follows from it."""

import threading

from verify_log import leaf_hash, node_hash, root_of


class Said:
    """Shared by all threads; each method takes the lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.next = 0
        # Objects that were acknowledged and not asked to go; those whose deletion was.
        self.acknowledged, self.deleted, self.fading = set(), set(), set()
        # The same as a list, to draw from.
        self.drawn = []
        self.acknowledged_ever = 0
        self.trees = {}

    def numbers(self, count):
        """New numbers, never given before: what was not acknowledged may be there or not."""
        with self.lock:
            first, self.next = self.next, self.next + count
            return range(first, first + count)

    def acknowledge(self, ids):
        with self.lock:
            new = set(ids) - self.acknowledged - self.fading
            self.acknowledged |= new
            self.drawn += new
            self.acknowledged_ever += len(new)

    def draw(self, random):
        """An object that is there, and stays while nobody deletes it."""
        with self.lock:
            found = [self.drawn[random.randrange(len(self.drawn))] for _ in range(bool(self.drawn))]
            return next((one for one in found if one in self.acknowledged), None)

    def fade(self, identifier):
        """It is asked to go: it may be there or not, until the answer."""
        with self.lock:
            self.acknowledged.discard(identifier)
            self.fading.add(identifier)

    def delete(self, identifier):
        with self.lock:
            self.deleted.add(identifier)

    def snapshot(self):
        """What must be in a walk that begins now, if it is still so at its end; what must not."""
        with self.lock:
            return set(self.acknowledged), set(self.deleted)

    def still(self, ids):
        with self.lock:
            return ids & self.acknowledged

    def checkpoint(self, log, size, root):
        with self.lock:
            self.trees.setdefault(log, Tree()).saw(log, size, root)

    def checkpoints(self):
        return sum(len(tree.signed) for tree in self.trees.values())


class Tree:
    """A log as it was seen: every root that was signed, and the leaves as they were first served."""

    def __init__(self):
        self.signed, self.largest = {}, 0
        self.size, self.stack, self.checked = 0, [], set()

    def saw(self, log, size, root):
        before = self.signed.setdefault(size, root)
        assert before == root, f"{log} forked: two roots of size {size}"
        self.largest = max(self.largest, size)

    def grow(self, log, leaves):
        """Extends the tree by leaves, and compares each root that was signed on the way."""
        for leaf in leaves:
            value, height = leaf_hash(leaf), 0
            while self.stack and self.stack[-1][0] == height:
                value, height = node_hash(self.stack.pop()[1], value), height + 1
            self.stack.append((height, value))
            self.size += 1
            if self.size in self.signed:
                self.check(log)

    def check(self, log):
        parts = [value for _, value in reversed(self.stack)]
        root = parts[0] if parts else root_of([])
        for part in parts[1:]:
            root = node_hash(part, root)
        assert root == self.signed[self.size], f"{log} forked at size {self.size}"
        self.checked.add(self.size)
