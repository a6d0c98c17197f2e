-- Labels of a host, beside the one group that the column `tag` names: a JSON list of texts. Here, where they cost readers no row more.
ALTER TABLE hosts ADD COLUMN tags_json TEXT NOT NULL DEFAULT '[]';
