-- What each peer added on one day of UTC, for the quota of the charter.
CREATE TABLE taken (
    party TEXT PRIMARY KEY,
    day INTEGER NOT NULL,               -- days since 1970
    days INTEGER NOT NULL,              -- the quota of so many is for this day
    leaves INTEGER NOT NULL,
    octets INTEGER NOT NULL,            -- of envelopes
    sum BLOB NOT NULL
) WITHOUT ROWID;

-- Rules by which what a peer releases is adopted. The entries of the private log that say so name
-- them by `name`; that one is applied, and how far, is local.
CREATE TABLE adopt_rule (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    party TEXT NOT NULL,
    collection INTEGER NOT NULL,        -- that it adopts into
    types TEXT NOT NULL,                -- with a space between two; none is all
    tlp TEXT,                           -- the strictest label that it adopts
    account INTEGER NOT NULL,           -- by whose right
    since INTEGER NOT NULL,
    stopped TEXT,                       -- why, where it was
    sum BLOB NOT NULL
);

-- How far each was applied: the `date_added` of what came from the peer.
CREATE TABLE adopted_to (
    rule INTEGER PRIMARY KEY,
    date_added INTEGER NOT NULL
);

-- Assessments of parties that are on record: the latest of each. What it says is in a document of
-- the party's own; here is its digest.
CREATE TABLE assessment (
    party TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    made INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    author TEXT NOT NULL,
    sum BLOB NOT NULL
) WITHOUT ROWID;
