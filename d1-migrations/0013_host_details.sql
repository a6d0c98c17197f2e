-- What is said of a host by Mackerel's API, or for it. A host without a row works, and nothing else was said.
CREATE TABLE host_details (
    host_id INTEGER PRIMARY KEY REFERENCES hosts (id) ON DELETE CASCADE,
    -- 'working', 'standby', 'maintenance' or 'poweroff'.
    status TEXT NOT NULL DEFAULT 'working',
    display_name TEXT,
    custom_identifier TEXT,
    memo TEXT NOT NULL DEFAULT '',
    -- 'agent', 'container-agent', 'cloud' or 'unknown': what its meta says who reports.
    kind TEXT NOT NULL DEFAULT 'unknown',
    -- As they were given; NULL for what is made of the host's facts and addresses.
    meta_json TEXT,
    interfaces_json TEXT,
    -- 1 once it is retired: then its identifier is free.
    is_retired INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What a host's meta says it is, in our words; NULL for hosts that tell the hub themselves. Here, where it costs readers no row more.
ALTER TABLE host_states ADD COLUMN facts_json TEXT;

-- "Which host has this identifier?", and no two live ones.
CREATE UNIQUE INDEX host_details_by_identifier ON host_details (custom_identifier)
    WHERE custom_identifier IS NOT NULL AND is_retired = 0;
-- The same, whatever the case.
CREATE INDEX host_details_by_identifier_nocase ON host_details (custom_identifier COLLATE NOCASE)
    WHERE custom_identifier IS NOT NULL AND is_retired = 0;
-- "Which hosts are under maintenance?"
CREATE INDEX host_details_by_status ON host_details (status) WHERE status <> 'working';
-- "Which hosts have this name?"
CREATE INDEX hosts_by_name ON hosts (name);

-- Services and their roles. AUTOINCREMENT: a number is never given twice, for history goes by it.
CREATE TABLE services (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    memo TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE roles (
    service TEXT NOT NULL REFERENCES services (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    memo TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (service, name)
) STRICT, WITHOUT ROWID;

-- Which host plays which role. By name: a list of hosts reads one row for each.
CREATE TABLE host_roles (
    host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (host_id, service, role),
    FOREIGN KEY (service, role) REFERENCES roles (service, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- "Which hosts play this role?"
CREATE INDEX host_roles_by_role ON host_roles (service, role);

-- Documents that programs keep with a host, a service or a role.
CREATE TABLE metadata (
    -- 'host:<number>', 'service:<name>' or 'role:<service>:<name>'.
    owner TEXT NOT NULL,
    namespace TEXT NOT NULL,
    document TEXT NOT NULL,
    updated_at_s INTEGER NOT NULL,
    PRIMARY KEY (owner, namespace)
) STRICT, WITHOUT ROWID;

-- How metrics are drawn: by the part of their names before the last dot.
CREATE TABLE graph_defs (
    name TEXT NOT NULL PRIMARY KEY,
    display_name TEXT NOT NULL,
    unit TEXT NOT NULL,
    -- A JSON list of [name, display name, 1 when it is stacked].
    metrics_json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Who is invited: with their first sign-in by the access proxy they get an account.
CREATE TABLE invitations (
    -- In lower case.
    email TEXT NOT NULL PRIMARY KEY,
    -- 'manager', 'collaborator' or 'viewer': the word they were invited with.
    authority TEXT NOT NULL,
    -- 'admin' or 'viewer'.
    role TEXT NOT NULL,
    expires_at_s INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
