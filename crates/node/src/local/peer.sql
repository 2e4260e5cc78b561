-- The peers that this node follows. Numbers of logs are given once and never again, since entries
-- in log.db stand under them.
CREATE TABLE peer (
    party TEXT PRIMARY KEY,
    address TEXT NOT NULL,              -- HOST:PORT of its listener for peers
    shared INTEGER NOT NULL UNIQUE,     -- the number here of its log `shared`
    acts INTEGER NOT NULL UNIQUE,       -- and of its log `acts`
    collection INTEGER NOT NULL,        -- where what it releases to this party arrives
    everything INTEGER NOT NULL,        -- where what anybody releases arrives
    added INTEGER NOT NULL,
    sum BLOB NOT NULL
) WITHOUT ROWID;

-- Entries of peers that were opened to this node and have no effect: why, never what.
CREATE TABLE quarantine (
    log INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    code TEXT NOT NULL,
    at INTEGER NOT NULL,
    sum BLOB NOT NULL,
    PRIMARY KEY (log, idx)
) WITHOUT ROWID;
