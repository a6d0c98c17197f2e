-- Agents that push what they checked, as openITCOCKPIT's do: each has a UUID and a password of its own.
CREATE TABLE push_agents (
    -- For programs that know agents by number.
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    -- The host it speaks for, whose secret its password is. NULL while an administrator has not decided.
    host_id INTEGER UNIQUE REFERENCES hosts (id) ON DELETE CASCADE,
    -- 1 when it was given its password here, 0 when it brought one that nobody knew.
    registered INTEGER NOT NULL,
    -- SHA-256 of its password, hexadecimal.
    password_hash TEXT NOT NULL,
    -- As it said and as was seen when it registered or was first heard.
    host_name TEXT NOT NULL,
    address TEXT NOT NULL,
    remote_address TEXT NOT NULL,
    forwarded_for TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    registered_at_s INTEGER NOT NULL,
    -- The token that it registered with.
    by_token_id INTEGER,
    -- 1 when it gets another password, once, when it registers without one.
    may_register_again INTEGER NOT NULL DEFAULT 0,
    -- When it last pushed while it was not accepted, written seldom, and what.
    submitted_at_s INTEGER,
    checkdata BLOB,
    -- When two machines were last seen to push as this agent, written once an hour at most.
    cloned_at_s INTEGER
) STRICT;

-- "How many registered with this token lately?"
CREATE INDEX push_agents_by_token ON push_agents (by_token_id, registered_at_s) WHERE by_token_id IS NOT NULL;

-- "How many are there that nobody knows?"
CREATE INDEX push_agents_unknown ON push_agents (submitted_at_s) WHERE registered = 0;

-- What hosts' agents checked some hours ago, whole, and what is installed on them.
CREATE TABLE check_results (
    host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    -- 'checkdata' or 'packages'.
    kind TEXT NOT NULL,
    at_s INTEGER NOT NULL,
    -- Bytes of what was sent.
    size_bytes INTEGER NOT NULL,
    -- 1 when parts were left out, for it would have been too large.
    is_trimmed INTEGER NOT NULL,
    -- Base64 of gzip of JSON: hexadecimal text to be made a blob would be as long again on its way.
    data TEXT NOT NULL,
    PRIMARY KEY (host_id, kind)
) STRICT, WITHOUT ROWID;
