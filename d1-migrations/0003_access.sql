-- People.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    -- 'admin' or 'viewer'.
    role TEXT NOT NULL,
    created_at_s INTEGER NOT NULL
) STRICT;

-- Open sessions, by the SHA-256 of the cookie's value. The key serves every request with a cookie.
CREATE TABLE sessions (
    session_hash TEXT NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    created_at_s INTEGER NOT NULL,
    expires_at_s INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Tokens, by the SHA-256 of their text. The unique index serves every request with a token.
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash TEXT NOT NULL UNIQUE,
    -- The last four characters, to tell tokens apart in a list.
    tail TEXT NOT NULL,
    -- 'api' or 'agent'.
    kind TEXT NOT NULL,
    may_read INTEGER NOT NULL,
    may_write INTEGER NOT NULL,
    may_register INTEGER NOT NULL,
    may_admin INTEGER NOT NULL,
    note TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    created_at_s INTEGER NOT NULL,
    expires_at_s INTEGER,
    -- How many more hosts it may register; NULL for any number. The check makes the registration too many fail whole.
    uses_left INTEGER CHECK (uses_left >= 0),
    -- A JSON list of address ranges; empty for anywhere.
    address_ranges_json TEXT NOT NULL DEFAULT '[]',
    -- Written at most once an hour.
    last_use_s INTEGER
) STRICT;

-- One-time links that make an administrator. Whoever can write this table owns the deployment.
CREATE TABLE setup_links (
    token_hash TEXT NOT NULL PRIMARY KEY,
    created_s INTEGER NOT NULL,
    expires_s INTEGER NOT NULL,
    used_s INTEGER,
    -- Marks the use: what is made in its transaction asks for it.
    used_key TEXT
) STRICT, WITHOUT ROWID;

-- Every change made by a person or a token, newest last: the key sorts by time.
CREATE TABLE audit (
    key TEXT NOT NULL PRIMARY KEY,
    at_s INTEGER NOT NULL,
    -- 'user:1', 'token:2' or 'setup'.
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL
) STRICT, WITHOUT ROWID;
