-- What belongs to this node alone and cannot be folded from logs. The only store with migrations;
-- `user_version` counts them. Each row carries a sum over its other columns, so that
-- `comity verify` can name a row that changed by itself.

CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    pseudonym TEXT NOT NULL UNIQUE,     -- what entries and the audit log call the account
    verifier TEXT NOT NULL,             -- argon2id, as a PHC string
    disabled INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    sum BLOB NOT NULL
);

CREATE TABLE token (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    name TEXT NOT NULL,
    secret BLOB NOT NULL UNIQUE,        -- SHA-256 of the secret: it has 256 random bits
    rights INTEGER NOT NULL,            -- a subset of those of the role
    purpose TEXT,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0,
    sum BLOB NOT NULL
);

CREATE TABLE collection (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT,
    alias TEXT UNIQUE,
    purpose TEXT NOT NULL,              -- defaults for what stock clients cannot say
    grade TEXT,
    tlp TEXT NOT NULL,
    expires_days INTEGER NOT NULL,
    created INTEGER NOT NULL,
    sum BLOB NOT NULL
);

-- Where a user has less in a collection than the role gives. No row: as the role says.
CREATE TABLE collection_right (
    collection INTEGER NOT NULL REFERENCES collection (id),
    account INTEGER NOT NULL REFERENCES account (id),
    can_read INTEGER NOT NULL,
    can_write INTEGER NOT NULL,
    sum BLOB NOT NULL,
    PRIMARY KEY (collection, account)
) WITHOUT ROWID;

CREATE TABLE status (
    id TEXT PRIMARY KEY,
    account INTEGER NOT NULL,
    received INTEGER NOT NULL,
    body TEXT NOT NULL,
    sum BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX status_received ON status (received);

-- What was refused: when, who, by which way, where in the object, class and code. Never a value,
-- never an id.
CREATE TABLE refusal (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    account TEXT NOT NULL,
    way TEXT NOT NULL,
    number INTEGER NOT NULL,            -- which object of the input, from 1
    path TEXT NOT NULL,
    class TEXT NOT NULL,
    code TEXT NOT NULL,
    sum BLOB NOT NULL
);
CREATE INDEX refusal_at ON refusal (at);
