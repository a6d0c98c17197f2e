-- Hosts that stock agents of Pulse report: by what they say they are.
CREATE TABLE pulse_agents (
    identity TEXT NOT NULL PRIMARY KEY,
    host_id INTEGER NOT NULL UNIQUE REFERENCES hosts (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
