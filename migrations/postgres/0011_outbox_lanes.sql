-- What is due in one lane (`jobs`), however much waits in the others.

CREATE INDEX outbox_lane_due ON outbox ((CASE kind WHEN 'mail' THEN 0 WHEN 'webhook' THEN 2 ELSE 1 END), due_at)
    WHERE done_at IS NULL;
