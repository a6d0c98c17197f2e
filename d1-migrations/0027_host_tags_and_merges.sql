-- Labels of a host, beside the one group that the column `tag` names: a JSON list of texts. Here, where they cost readers no row more.
ALTER TABLE hosts ADD COLUMN tags_json TEXT NOT NULL DEFAULT '[]';

-- The host that a retired one was merged into: for as long as that one is there, what is stored of this one stays.
ALTER TABLE hosts ADD COLUMN merged_into_id INTEGER;
-- The numbers of the hosts that were merged into this one, the latest first: a JSON list. Their history is read where this one has none.
ALTER TABLE hosts ADD COLUMN absorbed_json TEXT NOT NULL DEFAULT '[]';
