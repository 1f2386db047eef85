-- Requests of tools that were accepted and are performed later (RFC 9967 §2.5.1).

CREATE TABLE asynchronous_requests (
    id            BLOB    NOT NULL PRIMARY KEY,   -- the transaction that its events name
    connection_id BLOB    NOT NULL REFERENCES connections (id),
    turn          INTEGER NOT NULL,               -- requests of one connection are performed in this order
    sealed        BLOB    NOT NULL,               -- the request under the master key: it may carry passwords
    taken         INTEGER NOT NULL,               -- how often somebody began on it: the last one may write
    leased_until  INTEGER NOT NULL,               -- nobody else takes it before; then it waits
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL
);
CREATE UNIQUE INDEX asynchronous_requests_connection_id_turn ON asynchronous_requests (connection_id, turn);

-- How far such a request is: operations that have changed something, or have been told of.
CREATE TABLE asynchronous_operations (
    request_id  BLOB    NOT NULL REFERENCES asynchronous_requests (id),
    place       INTEGER NOT NULL,                 -- in the request, from 0
    status      INTEGER NOT NULL,
    resource_id BLOB    NULL,
    is_whole    BOOLEAN NOT NULL,                 -- false: made without what was not there yet
    is_told     BOOLEAN NOT NULL,                 -- its event is in the outbox
    PRIMARY KEY (request_id, place)
);
