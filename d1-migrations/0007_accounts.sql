-- What a person logs in with: `pbkdf2-sha256$<iterations>$<salt>$<hash>`, or nothing for those who come by another way.
ALTER TABLE users ADD COLUMN password_hash TEXT;
-- One more each time that changes: a session is opened for the one that was shown, or not at all.
ALTER TABLE users ADD COLUMN credential_no INTEGER NOT NULL DEFAULT 0;
-- By which an access proxy knows the person; in lower case.
ALTER TABLE users ADD COLUMN email TEXT;

-- "Whose address is this?"
CREATE UNIQUE INDEX users_by_email ON users (email) WHERE email IS NOT NULL;
