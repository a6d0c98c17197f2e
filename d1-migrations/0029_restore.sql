-- What came of a backup that is being restored, page by page, until all of it is there and takes effect at once. Empty at all other times.
CREATE TABLE restore_pages (
    seq INTEGER NOT NULL PRIMARY KEY,
    table_name TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
