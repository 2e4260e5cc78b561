-- The charters that this node has been under, the founding one first: their hashes name the body and
-- the terms in its entries. No row: charter.toml founded the body.
CREATE TABLE charter (
    version INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    body TEXT NOT NULL,                 -- the text
    sum BLOB NOT NULL
);
