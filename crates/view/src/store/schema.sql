-- The view. Nothing here is a source: all of it is folded from the logs and the arrivals.
-- Keys are positions: log << 48 | index.

-- How far each log is folded; -1 stands for the journal of arrivals.
CREATE TABLE folded (log INTEGER PRIMARY KEY, size INTEGER NOT NULL);

-- How the file was left: whose boot of the machine wrote it.
CREATE TABLE left_by (only INTEGER PRIMARY KEY CHECK (only = 0), boot TEXT NOT NULL);

CREATE TABLE object_type (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- One row per object version: what queries show and what admission asks about it.
CREATE TABLE version (
    key INTEGER PRIMARY KEY,
    type INTEGER NOT NULL,
    uuid BLOB NOT NULL,
    spelling TEXT,              -- the id as written, where it is not `type--uuid` in lower case
    version TEXT NOT NULL,      -- as written; for an observable the time of its entry
    instant TEXT NOT NULL,      -- the version's instant, in a form that sorts
    created TEXT,               -- the same of `created`
    created_by BLOB,            -- UUID of the creating identity
    flags INTEGER NOT NULL,     -- 1 revoked, 2 unversioned, 4 held back
    expires INTEGER             -- microseconds; a deadline, never compared to a clock here
);

-- What has to be withdrawn next. Deadlines mostly ascend with the entries.
CREATE INDEX version_expires ON version (expires);

-- The one index with random keys: the versions of an object, by the halves of its UUID in one. Two
-- objects may share a row; `version` tells them apart. Rows of some 20 octets: each commit touches
-- as many pages of this table as it has objects, so the fewer there are the better.
CREATE TABLE version_of (
    half INTEGER NOT NULL,
    key INTEGER NOT NULL,
    PRIMARY KEY (half, key)
) WITHOUT ROWID;

-- What each collection holds, in the order in which it came in. `date_added` is unique in its
-- collection, so a position in this table is one number. `place`: 1 first version, 2 last.
CREATE TABLE held (
    collection INTEGER NOT NULL,
    date_added INTEGER NOT NULL,
    key INTEGER NOT NULL,
    type INTEGER NOT NULL,
    place INTEGER NOT NULL,
    expires INTEGER,
    PRIMARY KEY (collection, date_added)
) WITHOUT ROWID;
CREATE INDEX held_by_type ON held (collection, type, date_added);
CREATE UNIQUE INDEX held_by_key ON held (key, collection);

-- The last change of each collection: the number of the arrival. It names a state for ETags.
CREATE TABLE changed (
    collection INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    holds INTEGER NOT NULL      -- how many object versions it holds
);

-- Entries of others that their owners withdrew. What one of them holds may come later than its
-- withdrawal; it has no effect then.
CREATE TABLE withdrawn (key INTEGER PRIMARY KEY);

-- Which party said that it did what a withdrawal of ours asks for: the number of the log that it
-- said so in, and the key of the entry.
CREATE TABLE receipt (
    withdrawal INTEGER NOT NULL,
    log INTEGER NOT NULL,
    receipt INTEGER NOT NULL,
    PRIMARY KEY (withdrawal, log)
) WITHOUT ROWID;
-- What is released: the log `shared`, from its headers alone. Sets of parties are few; each stands
-- once: names in their order, a space between two.
CREATE TABLE audience (id INTEGER PRIMARY KEY, parties TEXT NOT NULL UNIQUE);

-- The sets that a party is in.
CREATE TABLE reached (
    party TEXT NOT NULL,
    audience INTEGER NOT NULL,
    PRIMARY KEY (party, audience)
) WITHOUT ROWID;

-- Own entries of `shared` that stand, and whom each was compiled for. What nobody may open has no
-- row. `copied`: the entry of `private` whose object the entry repeats. What repeats an entry of
-- another party has rows in `passed_on` instead.
CREATE TABLE released (
    key INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,      -- 1 share, 2 grant, 3 withdraw, 4 receipt, 5 consent
    audience INTEGER NOT NULL,
    copied INTEGER
);
-- What a party may have, in the order of the log: one range for each set that it is in.
CREATE INDEX released_to ON released (audience, key);
CREATE INDEX released_copied ON released (copied) WHERE copied IS NOT NULL;

-- Who got a shared entry by a grant, besides those it was compiled for.
CREATE TABLE granted (
    key INTEGER NOT NULL,
    party TEXT NOT NULL,
    PRIMARY KEY (key, party)
) WITHOUT ROWID;

-- The entries that attest entries which waited for it.
CREATE TABLE attestation (key INTEGER PRIMARY KEY, record INTEGER NOT NULL);

-- Own entries of `shared` that pass on what another party shared: its entry, and the consents that
-- they name, by party and index in its log `shared`. By name, so that it is the same whoever is
-- followed: a party that is not has no number here.
CREATE TABLE passed_on (
    origin TEXT NOT NULL,
    idx INTEGER NOT NULL,
    consents INTEGER NOT NULL,  -- 0: it is passed on; 1: it consents to that
    key INTEGER NOT NULL,       -- the own entry
    PRIMARY KEY (origin, idx, consents, key)
) WITHOUT ROWID;
CREATE INDEX passed_on_by ON passed_on (key);

-- To whom what a shared entry holds may be released onward, by the word of its owner: `key` says so
-- of `of`, both of this party or both of one peer.
CREATE TABLE consent (
    key INTEGER NOT NULL,
    of INTEGER NOT NULL,
    PRIMARY KEY (key, of)
) WITHOUT ROWID;
CREATE INDEX consent_of ON consent (of);

-- The parties that a consent names, once, whatever it is about: in their order, a space between two.
CREATE TABLE consenting (key INTEGER PRIMARY KEY, parties TEXT NOT NULL);

-- Entries that give a version of an object that another gives, too, where one of them is a peer's.
-- Whether they say the same stands in their bodies.
CREATE TABLE rival (key INTEGER PRIMARY KEY);
