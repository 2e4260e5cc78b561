"""A small client of one collection that says what came back, whatever it is."""

import base64
import collections
import http.client
import json

from node import PASSWORD

MEDIA = "application/taxii+json;version=2.1"
TIMEOUT_SECONDS = 60


class Gone(Exception):
    """The node is not there, or went away before it answered."""


class Reply(collections.namedtuple("Reply", ["status", "body", "headers"])):
    def json(self):
        return json.loads(self.body)


class Client:
    def __init__(self, node, user, collection, token=None):
        pair = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
        shown = f"Bearer {token}" if token else f"Basic {pair}"
        self.headers = {"Authorization": shown, "Accept": MEDIA, "Content-Type": MEDIA}
        self.node, self.collection, self.connection = node, collection, None

    def send(self, method, path, body=None):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                self.node.url.removeprefix("http://"), timeout=TIMEOUT_SECONDS
            )
        try:
            self.connection.request(method, path, body=body, headers=self.headers)
            response = self.connection.getresponse()
            return Reply(response.status, response.read(), response.headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Gone(path) from error

    def post(self, *objects):
        return self.send("POST", self.path("objects/"), json.dumps({"objects": objects}))

    def delete(self, identifier):
        return self.send("DELETE", self.path(f"objects/{identifier}/"))

    def get(self, tail):
        return self.send("GET", self.path(tail))

    def path(self, tail):
        return f"/taxii2/comity/collections/{self.collection}/{tail}"

    def walk(self, what, limit, after=None):
        """The records of all pages, from a time on."""
        found, more = [], f"&added_after={after}" if after else ""
        while True:
            reply = self.get(f"{what}?limit={limit}{more}")
            if reply.status != 200:
                raise Gone(f"status {reply.status}")
            page = reply.json()
            found += page.get("objects", [])
            if not page.get("more"):
                return found
            more = f"&next={page['next']}"

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
