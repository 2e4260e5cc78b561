-- What is left to each peer of the quotas of its days, instead of what it took on one of them. That
-- cannot be told from what was here, which has no quota: each begins with a whole balance.
CREATE TABLE allowance (
    party TEXT PRIMARY KEY,
    day INTEGER NOT NULL,               -- the last whose quota is in it, in days since 1970
    leaves INTEGER NOT NULL,
    octets INTEGER NOT NULL,            -- of envelopes; below zero where a page was more
    sum BLOB NOT NULL
) WITHOUT ROWID;

-- The table stays, without use: `comity verify` counts what was ever made here.
DELETE FROM taken;
