-- How many days before a target's certificate ends people are told; NULL where nobody said a number: as the original has it.
ALTER TABLE probes ADD COLUMN certificate_days INTEGER;
