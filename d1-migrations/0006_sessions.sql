-- Sessions that were opened with a token. They end with it, and with a token that is no administrator's they are a viewer's,
-- whoever made the token.
ALTER TABLE sessions ADD COLUMN token_id INTEGER REFERENCES tokens (id) ON DELETE CASCADE;
-- 'viewer', or NULL for the role of the user.
ALTER TABLE sessions ADD COLUMN as_role TEXT CHECK (as_role = 'viewer');
