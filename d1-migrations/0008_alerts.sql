-- When people are to be told of something about hosts. AUTOINCREMENT: a number is never given twice.
CREATE TABLE rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    -- Which hosts, what has to be so, who is told and how often: JSON.
    body_json TEXT NOT NULL,
    updated_at_s INTEGER NOT NULL
) STRICT;

-- What is not as it should be, or was not: a row when it begins, changed when it ends. The key sorts by time.
CREATE TABLE alerts (
    key TEXT NOT NULL PRIMARY KEY,
    -- What found it, that thing's number, and the host: 'rule:3:17'.
    cause TEXT NOT NULL,
    opened_at_s INTEGER NOT NULL,
    closed_at_s INTEGER,
    text TEXT NOT NULL,
    -- What was measured when it began.
    detail TEXT NOT NULL,
    acknowledged_at_s INTEGER,
    acknowledged_by TEXT
) STRICT, WITHOUT ROWID;

-- "What is wrong now?"
CREATE INDEX alerts_open ON alerts (key) WHERE closed_at_s IS NULL;

-- The alert that an event belongs to: its key, why it is there, what was measured.
ALTER TABLE events ADD COLUMN alert_key TEXT;
ALTER TABLE events ADD COLUMN cause TEXT;
ALTER TABLE events ADD COLUMN detail TEXT NOT NULL DEFAULT '';
-- Which group of channels is told, and whether nobody is.
ALTER TABLE events ADD COLUMN notify_group TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN quiet INTEGER NOT NULL DEFAULT 0;
