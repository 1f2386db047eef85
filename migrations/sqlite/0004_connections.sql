-- The life of connections: what their tools have ended lately, what is held of it, and a log one can search.

-- Whom a connection has deactivated or removed within the guard's hour: who comes back is taken out again.
CREATE TABLE connection_endings (
    connection_id BLOB    NOT NULL REFERENCES connections (id),
    user_id       BLOB    NOT NULL,
    change        TEXT    NOT NULL,              -- deactivate | remove
    at            INTEGER NOT NULL,
    PRIMARY KEY (connection_id, user_id)
);
CREATE INDEX connection_endings_connection ON connection_endings (connection_id, at);
CREATE INDEX connection_endings_at ON connection_endings (at);

-- Why a change is held: run (too many in an hour), discarded (it came again), last_administrator.
ALTER TABLE held_changes ADD COLUMN reason TEXT NOT NULL DEFAULT 'run';
CREATE INDEX held_changes_resource ON held_changes (connection_id, resource_id, status);

-- What the pages of the provisioning log filter and search by.
ALTER TABLE connection_log ADD COLUMN outcome TEXT NOT NULL DEFAULT 'read';
ALTER TABLE connection_log ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE connection_log ADD COLUMN search TEXT NOT NULL DEFAULT '';
CREATE INDEX connection_log_resource ON connection_log (resource_id, at);

-- A resource of somebody who lives elsewhere has versions as others do, and may stand in groups.
ALTER TABLE connection_joins ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
CREATE INDEX connection_joins_user ON connection_joins (user_id);
CREATE TABLE connection_join_groups (
    join_id    BLOB    NOT NULL REFERENCES connection_joins (id),
    group_id   BLOB    NOT NULL REFERENCES groups (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (join_id, group_id)
);
CREATE INDEX connection_join_groups_group ON connection_join_groups (group_id, join_id);
