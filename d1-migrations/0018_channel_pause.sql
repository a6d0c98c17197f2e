-- Until when a channel's receiver asked to be left alone; what waits for it stays as it is meanwhile. Here, not with each letter: a
-- receiver that asks for a minute again and again would have 300 waiting letters written 1,440 times a day.
ALTER TABLE channels ADD COLUMN paused_until_s INTEGER NOT NULL DEFAULT 0;
