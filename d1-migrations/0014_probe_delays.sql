-- Whether guests see the delays that hosts measured of a probe that is not public otherwise, as Nezha shows those of every monitor.
-- Of probes that there are already nobody knows where they were made: they are as private as they can be.
ALTER TABLE probes ADD COLUMN delays_public INTEGER NOT NULL DEFAULT 0;
