-- What an alert of a threshold is about, in Pulse's words, as JSON: of a guest or a storage that may be no more when somebody asks.
ALTER TABLE alerts ADD COLUMN resource_json TEXT;
