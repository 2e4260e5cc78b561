-- What each peer added on one day of UTC, for the quota of the charter.
CREATE TABLE taken (
    party TEXT PRIMARY KEY,
    day INTEGER NOT NULL,               -- days since 1970
    leaves INTEGER NOT NULL,
    octets INTEGER NOT NULL,            -- of envelopes
    sum BLOB NOT NULL
) WITHOUT ROWID;
