-- SCIM beyond people and groups: resource types that configuration adds, groups within groups, and
-- OAuth clients that open a connection. SQLite; its twin lies in ../postgres.

-- Resources of types that resource_types.json adds, each of one connection.
CREATE TABLE custom_resources (
    id            BLOB    NOT NULL PRIMARY KEY,
    connection_id BLOB    NOT NULL REFERENCES connections (id),
    resource_type TEXT    NOT NULL,                -- its name, such as Device
    external_id   TEXT,
    document      TEXT    NOT NULL,                -- JSON: the canonical resource
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
);
CREATE INDEX custom_resources_connection ON custom_resources (connection_id, resource_type, id);
CREATE INDEX custom_resources_external ON custom_resources (connection_id, resource_type, external_id);

-- Groups that are members of groups; circles are harmless.
CREATE TABLE group_children (
    group_id   BLOB    NOT NULL REFERENCES groups (id),
    child_id   BLOB    NOT NULL REFERENCES groups (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, child_id)
);
CREATE INDEX group_children_child ON group_children (child_id, group_id);

-- OAuth clients whose tokens open one connection, beside its static tokens.
CREATE TABLE connection_clients (
    client_id     BLOB    NOT NULL PRIMARY KEY REFERENCES clients (id),
    connection_id BLOB    NOT NULL REFERENCES connections (id),
    created_at    INTEGER NOT NULL
);
CREATE INDEX connection_clients_connection ON connection_clients (connection_id);
