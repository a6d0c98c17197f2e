-- What a host is to a hypervisor, 'machine' for nothing, and the node that it is a guest of.
ALTER TABLE hosts ADD COLUMN class TEXT NOT NULL DEFAULT 'machine';
ALTER TABLE hosts ADD COLUMN parent_id INTEGER;

-- Proxmox VE (a node or a cluster) and Proxmox Backup Servers, which agents poll. AUTOINCREMENT: a number is never given twice.
CREATE TABLE proxmox_instances (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- 'pve' or 'pbs'.
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Scheme, name and port.
    address TEXT NOT NULL,
    user_name TEXT NOT NULL,
    -- The token's whole id; empty where a password is used.
    token_name TEXT NOT NULL,
    -- The password, or the token's secret, encrypted; empty where an agent's own file has it.
    secret_sealed TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    verify_tls INTEGER NOT NULL,
    -- JSON: what of it is looked at.
    monitor_json TEXT NOT NULL,
    -- JSON: the cluster it is one of, as an agent found it; NULL for none.
    cluster_json TEXT,
    -- The host whose agent polls it; NULL for any that offers to. Beside it the instance's key in that agent's own file.
    collector_id INTEGER,
    local_key TEXT,
    created_at_s INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX proxmox_instances_by_name ON proxmox_instances (kind, name);
CREATE UNIQUE INDEX proxmox_instances_by_local_key ON proxmox_instances (collector_id, local_key)
    WHERE local_key IS NOT NULL;

-- Which host is which part of an instance. A row stays when its host retires, so that a guest that comes back is the host it was.
CREATE TABLE proxmox_hosts (
    host_id INTEGER PRIMARY KEY REFERENCES hosts (id) ON DELETE CASCADE,
    instance_id INTEGER NOT NULL,
    -- 'node/<name>', 'guest/<number>' or 'pbs'.
    key TEXT NOT NULL,
    -- What it was called when it was told of last: a name that people gave it stays.
    name TEXT NOT NULL,
    -- A JSON list of the hosts of nodes where a guest was, the newest first: its series lie there.
    nodes_json TEXT NOT NULL DEFAULT '[]'
) STRICT;

CREATE UNIQUE INDEX proxmox_hosts_by_key ON proxmox_hosts (instance_id, key);
