-- What Mackerel's API said of a channel beside its settings: a JSON object; NULL for a channel that was made otherwise.
ALTER TABLE channels ADD COLUMN said_json TEXT;

-- Who is told of alerts of monitors. AUTOINCREMENT here and below: a number is never given twice.
CREATE TABLE notification_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    -- 1 for the one that is told of everything that no other group keeps for itself.
    is_default INTEGER NOT NULL DEFAULT 0,
    only_critical INTEGER NOT NULL DEFAULT 0,
    -- JSON lists of ids: other groups, and channels; NULL for the channels that rules call 'default'.
    children_json TEXT NOT NULL DEFAULT '[]',
    channels_json TEXT,
    -- JSON lists of [id of a monitor or name of a service, whether the default group is spared].
    monitors_json TEXT NOT NULL DEFAULT '[]',
    services_json TEXT NOT NULL DEFAULT '[]'
) STRICT;

INSERT INTO notification_groups (name, is_default) VALUES ('Default', 1);

-- When alerts of monitors are not raised.
CREATE TABLE downtimes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    memo TEXT NOT NULL,
    start_s INTEGER NOT NULL,
    -- How far people's clocks were ahead of UTC then.
    start_offset_s INTEGER NOT NULL,
    duration_min INTEGER NOT NULL,
    -- JSON: how it comes again, or NULL; and for what it is.
    recurrence_json TEXT,
    scope_json TEXT NOT NULL
) STRICT;

-- How alerts are to be put together; kept for the programs that ask for it.
CREATE TABLE alert_group_settings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    memo TEXT NOT NULL,
    -- JSON: for what it is.
    scope_json TEXT NOT NULL,
    notification_interval_min INTEGER
) STRICT;

-- What people noted of a stretch of time.
CREATE TABLE graph_annotations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL REFERENCES services (name) ON DELETE CASCADE,
    -- A JSON list of names of roles of the service.
    roles_json TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    from_s INTEGER NOT NULL,
    to_s INTEGER NOT NULL
) STRICT;

-- "What was noted of this service since then?"
CREATE INDEX graph_annotations_by_service ON graph_annotations (service, to_s);

-- Pages of graphs, as programs keep them.
CREATE TABLE dashboards (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    memo TEXT NOT NULL,
    url_path TEXT NOT NULL UNIQUE,
    -- A JSON list of objects, as it was given.
    widgets_json TEXT NOT NULL,
    created_at_s INTEGER NOT NULL,
    updated_at_s INTEGER NOT NULL
) STRICT;
