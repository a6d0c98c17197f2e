-- What is asked again and again, by hosts and by the Worker. AUTOINCREMENT: a number is never given out twice, for stored results
-- go by it. No index: the list is read whole, and has at most some 200 rows.
CREATE TABLE probes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    -- 1 HTTP GET, 2 ICMP echo, 3 TCP connect.
    kind INTEGER NOT NULL,
    target TEXT NOT NULL,
    interval_s INTEGER NOT NULL,
    -- 0 every host but those in `hosts`, 1 those alone.
    cover INTEGER NOT NULL,
    -- A JSON list of numbers.
    hosts TEXT NOT NULL,
    from_edge INTEGER NOT NULL,
    is_public INTEGER NOT NULL,
    notify_state INTEGER NOT NULL,
    notify_delay INTEGER NOT NULL,
    -- 0 is no bound.
    min_delay_ms REAL NOT NULL,
    max_delay_ms REAL NOT NULL,
    -- The group of channels; empty is the default one.
    notify_group TEXT NOT NULL,
    created_at_s INTEGER NOT NULL
) STRICT;
