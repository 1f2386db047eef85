-- Stand-ins: what a connection has of somebody whose account lives in another organization (product.md V6). One
-- is a row of users, so that lists, groups and assignments know it as any other; the tables of an earlier design
-- were never filled.

ALTER TABLE users ADD COLUMN stands_for UUID NULL REFERENCES users (id);  -- whose account it is; null: its own
ALTER TABLE users ADD COLUMN joined_at BIGINT NULL;   -- when that person joined; kept when the tool ends it
CREATE INDEX users_stands_for ON users (stands_for, status) WHERE stands_for IS NOT NULL;

ALTER TABLE memberships ADD COLUMN by_join BOOLEAN NOT NULL DEFAULT FALSE;  -- ends with the last join that gave it

DROP TABLE connection_join_groups;
DROP TABLE connection_joins;
