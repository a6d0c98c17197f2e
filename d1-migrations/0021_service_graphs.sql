-- Graphs of services' metrics that somebody deleted: until its metrics are posted anew, none of them is there. A graph is the part of a
-- metric's name up to its last '.', and '*'.
CREATE TABLE deleted_service_graphs (
    service TEXT NOT NULL REFERENCES services (name) ON DELETE CASCADE,
    graph TEXT NOT NULL,
    deleted_at_s INTEGER NOT NULL,
    PRIMARY KEY (service, graph)
) STRICT, WITHOUT ROWID;
