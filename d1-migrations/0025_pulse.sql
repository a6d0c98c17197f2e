-- Tokens by which Proxmox nodes register themselves, by the SHA-256 of their text. The key serves every such registration.
CREATE TABLE registration_tokens (
    token_hash TEXT NOT NULL PRIMARY KEY,
    -- The text, encrypted: programs list tokens whole.
    token_sealed TEXT NOT NULL,
    created_at_s INTEGER NOT NULL,
    expires_at_s INTEGER NOT NULL,
    -- How often it may be used; NULL for any number of times. The check makes the registration too many fail whole.
    most INTEGER,
    used INTEGER NOT NULL DEFAULT 0 CHECK (most IS NULL OR used <= most),
    -- A JSON list of 'pve' and 'pbs'; empty for both.
    kinds_json TEXT NOT NULL,
    description TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Which channel programs for Pulse made: 'email', or a webhook's id. The index finds it when they change it.
ALTER TABLE channels ADD COLUMN pulse_id TEXT;
CREATE UNIQUE INDEX channels_by_pulse_id ON channels (pulse_id) WHERE pulse_id IS NOT NULL;
