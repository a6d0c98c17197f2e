-- Settings of the deployment and the small state of its schedules, by key.
CREATE TABLE settings (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The start that `uptime` of GET /api/health counts from.
INSERT INTO settings (key, value) VALUES ('installed_at_ms', CAST(CAST(unixepoch('subsec') * 1000 AS INTEGER) AS TEXT));
