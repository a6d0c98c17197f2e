-- A note of a host for everybody who may see it.
ALTER TABLE hosts ADD COLUMN public_note TEXT NOT NULL DEFAULT '';

-- For what is deleted for good when a host has been retired for long.
CREATE INDEX hosts_by_retirement ON hosts (retired_at_s) WHERE retired_at_s IS NOT NULL;
