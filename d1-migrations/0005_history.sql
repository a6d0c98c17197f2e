-- The coarse tiers of history: rings of packed blocks, as in the hub. Slot = block_no modulo the ring's length, so a new block
-- takes the oldest one's row and nothing is ever deleted. The bytes stand last: what is asked without them reads no overflow page.
CREATE TABLE history (
    host_id INTEGER NOT NULL,
    -- 2 ten minutes, 3 two hours.
    tier INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    block_no INTEGER NOT NULL,
    -- Of how many samples it is made: of two writes of a block the one that knows more stays.
    samples INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (host_id, tier, slot)
) STRICT, WITHOUT ROWID;

-- The names of hosts' own metrics. The hub has them too; here they outlive it, for without them no named value can be told.
CREATE TABLE dictionaries (
    host_id INTEGER NOT NULL PRIMARY KEY,
    data BLOB NOT NULL
) STRICT, WITHOUT ROWID;
