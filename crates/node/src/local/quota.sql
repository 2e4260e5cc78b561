-- What a collection may hold, and what a user may send in a day. No row: no quota. 0: none of that
-- kind.
CREATE TABLE quota (
    kind TEXT NOT NULL,                 -- `collection` or `user`
    number INTEGER NOT NULL,            -- of the collection or account
    objects INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    sum BLOB NOT NULL,
    PRIMARY KEY (kind, number)
) WITHOUT ROWID;

-- What users with a quota sent on one day of UTC; rows of days before are deleted.
CREATE TABLE sent (
    account INTEGER PRIMARY KEY,
    day INTEGER NOT NULL,               -- days since 1970
    objects INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    sum BLOB NOT NULL
);
