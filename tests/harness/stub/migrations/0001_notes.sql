-- More than one statement, and a ';' inside each of them: a migration goes to D1 as a whole.
CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL CHECK (text <> ';')) STRICT;
CREATE TRIGGER notes_once AFTER INSERT ON notes WHEN NEW.text = 'twice' BEGIN
  INSERT INTO notes (text) VALUES ('again;');
END;
