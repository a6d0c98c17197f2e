-- What happened. The key sorts by time and is the same in every notification of the event.
CREATE TABLE events (
    key TEXT NOT NULL PRIMARY KEY,
    at_s INTEGER NOT NULL,
    -- host_offline, host_online, monitoring_impaired, duplicate_machine.
    kind TEXT NOT NULL,
    host_id INTEGER,
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Where notifications go.
CREATE TABLE channels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    -- 'webhook'.
    kind TEXT NOT NULL,
    -- The configuration, encrypted under EDGEWATCH_KEY: an address may hold a secret.
    config_sealed TEXT NOT NULL,
    created_at_s INTEGER NOT NULL
) STRICT;

-- Notifications on their way: the finished request, encrypted. A delivered one is deleted. No index: few rows, short lives.
CREATE TABLE outbox (
    -- The event's key, a colon, the channel's id.
    key TEXT NOT NULL PRIMARY KEY,
    channel_id INTEGER NOT NULL,
    request_sealed TEXT NOT NULL,
    created_at_s INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_s INTEGER NOT NULL,
    -- Given up at this time; kept so that the operator sees it.
    failed_at_s INTEGER,
    last_error TEXT
) STRICT, WITHOUT ROWID;
