-- Channels are told by groups: what a rule names as its notification group. No index: few rows, always read whole.
ALTER TABLE channels ADD COLUMN group_name TEXT NOT NULL DEFAULT 'default';
