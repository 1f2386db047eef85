-- Requests of tools that were accepted and are performed later (RFC 9967 §2.5.1).

CREATE TABLE asynchronous_requests (
    id            UUID    NOT NULL PRIMARY KEY,   -- the transaction that its events name
    connection_id UUID    NOT NULL REFERENCES connections (id),
    turn          BIGINT NOT NULL,               -- requests of one connection are performed in this order
    sealed        BYTEA   NOT NULL,               -- the request under the master key: it may carry passwords
    taken         BIGINT NOT NULL,               -- how often somebody began on it: the last one may write
    leased_until  BIGINT NOT NULL,               -- nobody else takes it before; then it waits
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX asynchronous_requests_connection_id_turn ON asynchronous_requests (connection_id, turn);

-- How far such a request is: operations that have changed something, or have been told of.
CREATE TABLE asynchronous_operations (
    request_id  UUID    NOT NULL REFERENCES asynchronous_requests (id),
    place       BIGINT NOT NULL,                 -- in the request, from 0
    status      BIGINT NOT NULL,
    resource_id UUID    NULL,
    is_whole    BOOLEAN NOT NULL,                 -- false: made without what was not there yet
    is_told     BOOLEAN NOT NULL,                 -- its event is in the outbox
    PRIMARY KEY (request_id, place)
);
