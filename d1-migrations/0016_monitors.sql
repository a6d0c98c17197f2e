-- What programs for Mackerel have watched. AUTOINCREMENT: a number is never given twice.
CREATE TABLE monitors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- connectivity, host, service, external, expression, anomalyDetection or query.
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The service it belongs to, where it does to one.
    service TEXT,
    -- All that was said of it, as it is answered: a JSON object.
    document_json TEXT NOT NULL,
    -- What it is judged by: a JSON object.
    watch_json TEXT NOT NULL,
    updated_at_s INTEGER NOT NULL
) STRICT;

-- Every deployment begins with one. The hub knows it without asking.
INSERT INTO monitors (id, kind, name, document_json, watch_json, updated_at_s) VALUES (
    1, 'connectivity', 'connectivity',
    '{"type":"connectivity","name":"connectivity","memo":"","alertStatusOnGone":"CRITICAL","scopes":[],"excludeScopes":[],"isMute":false}',
    '{"connectivity":{"gone":"CRITICAL"}}', 0
);

-- Checks that hosts run, by their names.
CREATE TABLE checks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    memo TEXT NOT NULL DEFAULT '',
    UNIQUE (host_id, name)
) STRICT;

-- How bad an alert is ('CRITICAL', 'WARNING', 'UNKNOWN'; after its end as it was last), what was measured, and as what kind of
-- monitor's it is listed; NULL for what is listed as none.
ALTER TABLE alerts ADD COLUMN status TEXT NOT NULL DEFAULT 'CRITICAL';
ALTER TABLE alerts ADD COLUMN value REAL;
ALTER TABLE alerts ADD COLUMN kind TEXT;
-- Why somebody ended it, and what is noted of it.
ALTER TABLE alerts ADD COLUMN reason TEXT;
ALTER TABLE alerts ADD COLUMN memo TEXT NOT NULL DEFAULT '';

-- The same of a step of an alert, and what brought it about: 'monitoring', 'manual', 'monitorDelete', 'hostRetire' …; NULL for what
-- is no step.
ALTER TABLE events ADD COLUMN status TEXT;
ALTER TABLE events ADD COLUMN value REAL;
ALTER TABLE events ADD COLUMN brought_by TEXT;

-- "What became of this alert?"
CREATE INDEX events_by_alert ON events (alert_key, key) WHERE alert_key IS NOT NULL;
