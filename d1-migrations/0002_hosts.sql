-- One row per monitored machine. AUTOINCREMENT: a number is never given twice.
CREATE TABLE hosts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    public_id TEXT NOT NULL UNIQUE,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    tag TEXT NOT NULL,
    note TEXT NOT NULL,
    display_index INTEGER NOT NULL DEFAULT 0,
    hidden_for_guest INTEGER NOT NULL,
    -- SHA-256 of the agent's secret, hexadecimal. The index serves every report.
    secret_hash TEXT NOT NULL UNIQUE,
    -- A hash that tells one machine from another, as the machine sent it.
    machine_id TEXT,
    registered_at_s INTEGER NOT NULL,
    -- The token that registered it, for tokens that may touch only what they made.
    registered_by_token_id INTEGER,
    retired_at_s INTEGER
) STRICT;

-- "Is this machine registered already?"
CREATE INDEX hosts_by_machine_id ON hosts (machine_id) WHERE machine_id IS NOT NULL;

-- The newest state of each host: one row written per report. No index on last_seen_s: it would double the price.
CREATE TABLE host_states (
    host_id INTEGER PRIMARY KEY REFERENCES hosts (id),
    -- All samples up to this number are stored.
    last_number INTEGER NOT NULL DEFAULT 0,
    -- The newest block written for the host.
    block_no INTEGER NOT NULL DEFAULT 0,
    -- 0 never heard from, 1 online, 2 offline.
    presence INTEGER NOT NULL DEFAULT 0,
    last_seen_s INTEGER,
    period_s INTEGER NOT NULL DEFAULT 10,
    frame_s INTEGER NOT NULL DEFAULT 10,
    ipv4 TEXT NOT NULL DEFAULT '',
    ipv6 TEXT NOT NULL DEFAULT '',
    -- 1 when the host's administrator set the addresses: then the ones that reports come from do not count.
    addresses_fixed INTEGER NOT NULL DEFAULT 0,
    country_code TEXT NOT NULL DEFAULT '',
    agent_version TEXT NOT NULL DEFAULT '',
    -- What the host is; NULL until it said so.
    platform TEXT,
    platform_version TEXT,
    kernel TEXT,
    arch TEXT,
    virtualization TEXT,
    cpu_models_json TEXT,
    gpu_models_json TEXT,
    mem_total_bytes INTEGER,
    swap_total_bytes INTEGER,
    disk_total_bytes INTEGER,
    booted_at_s INTEGER,
    -- Its newest sample; NULL where it was not measured.
    sampled_at_ms INTEGER,
    cpu_percent REAL,
    mem_used_bytes INTEGER,
    swap_used_bytes INTEGER,
    disk_used_bytes INTEGER,
    net_in_bytes INTEGER,
    net_out_bytes INTEGER,
    net_in_bytes_per_s INTEGER,
    net_out_bytes_per_s INTEGER,
    uptime_s INTEGER,
    load1 REAL,
    load5 REAL,
    load15 REAL,
    tcp_connections INTEGER,
    udp_connections INTEGER,
    processes INTEGER,
    gpu_percent REAL,
    temperatures_json TEXT
) STRICT;

-- History: rings of packed blocks. Slot = block_no modulo the tier's length, so a new block takes the oldest one's row
-- and nothing is ever deleted. `data` is base64 of the block; its first byte names the codec.
CREATE TABLE blocks (
    host_id INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    block_no INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    last_number INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (host_id, tier, slot)
) STRICT, WITHOUT ROWID;
