statements! {
    ADD = "INSERT INTO counters (owner_id, name, value) VALUES ($1, $2, $3)
           ON CONFLICT (owner_id, name) DO UPDATE SET value = counters.value + excluded.value";
    TOTAL = "SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM counters
              WHERE owner_id = $1 AND substr(name, 1, length($2)) = $2";
}
