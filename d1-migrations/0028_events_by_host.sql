-- "What happened to this host?" (store/events.rs, LIST_OF_HOST). A row more for each event of a host, of which there are a few a day; without
-- it each look at one host's page would read what happened to all of them, 400 days of it.
CREATE INDEX events_by_host ON events (host_id, key) WHERE host_id IS NOT NULL;
