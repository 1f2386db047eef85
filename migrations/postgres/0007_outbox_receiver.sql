-- Whom a message of the outbox goes to, so that a receiver that takes its time is told one thing at a time.

ALTER TABLE outbox ADD COLUMN receiver UUID NULL;   -- the client that is told; none where nobody in particular waits
CREATE INDEX outbox_receiver ON outbox (receiver, id) WHERE done_at IS NULL;
