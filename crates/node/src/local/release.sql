-- What a write into a collection releases. No row: nothing.
CREATE TABLE release_rule (
    collection INTEGER PRIMARY KEY REFERENCES collection (id),
    rule TEXT NOT NULL,                 -- an audience rule
    tlp TEXT NOT NULL,                  -- nothing leaves that is stricter
    author TEXT NOT NULL,               -- the pseudonym of who enabled it
    since INTEGER NOT NULL,             -- microseconds since 1970
    sum BLOB NOT NULL
);
