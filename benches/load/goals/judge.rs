use super::readings::Readings;

/// A line of the table: what must hold, and what held.
pub struct Goal {
    pub operation: &'static str,
    pub must: String,
    /// The measured quantity with its unit.
    pub measured: String,
    /// The ratio that is judged, where it is one.
    pub ratio: Option<f64>,
    pub met: bool,
}

/// At least so many times a ceiling: operation, the quantity's name, factor, ceiling.
const AT_LEAST: &[(&str, &str, f64, &str)] = &[
    ("discovery", "discovery /cpu-s", 0.70, "C_http /cpu-s"),
    ("JWKS", "JWKS /cpu-s", 0.70, "C_http /cpu-s"),
    ("client_credentials, ES256", "client_credentials ES256 /cpu-s", 0.50, "C_jwt /cpu-s"),
    ("client_credentials, EdDSA", "client_credentials EdDSA /cpu-s", 1.1, "client_credentials ES256 /cpu-s"),
    ("refresh, 1 in flight", "refresh (1) /s", 0.70, "C_unit (1) /s"),
    ("refresh, 32 in flight", "refresh (32) /s", 1.8, "C_unit (1) /s"),
    ("refresh on PostgreSQL, 32 in flight", "refresh (32) /s", 0.5, "C_insert (32) /s"),
    ("code exchange, 1 in flight", "code exchange (1) /s", 0.8, "refresh (1) /s"),
    ("code exchange, 32 in flight", "code exchange (32) /s", 0.8, "refresh (32) /s"),
    ("introspection, JWT", "introspection /cpu-s", 0.30, "C_http /cpu-s"),
    ("UserInfo, JWT", "UserInfo /cpu-s", 0.30, "C_http /cpu-s"),
    ("authorize, live session", "authorize, live session (1) /s", 0.60, "C_unit (1) /s"),
    ("full login", "full login /cpu-s", 0.90, "C_argon /cpu-s"),
];

/// At most so many times another latency.
const AT_MOST: &[(&str, &str, f64, &str)] = &[
    ("isolation: token p99 while hashing", "token at 200/s, hashing p99 ms", 5.0, "token at 200/s, idle p99 ms"),
    ("isolation: JWKS p99 while hashing", "JWKS at 200/s, hashing p99 ms", 5.0, "JWKS at 200/s, idle p99 ms"),
];

/// Judges every goal whose quantities were measured.
pub fn judge(readings: &Readings, postgres: bool) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (operation, name, factor, ceiling) in AT_LEAST {
        if let (Some(value), Some(bound)) = (readings.median(name), readings.median(ceiling)) {
            let ratio = value / bound;
            let must = format!("≥ {factor:.2} × {}", short(ceiling));
            goals.push(Goal {
                operation,
                must,
                measured: with_unit(name, value),
                ratio: Some(ratio),
                met: ratio >= *factor,
            });
        }
    }
    // The flush of PostgreSQL is another machine's matter: CPU is judged on SQLite only.
    if let Some(value) = readings.median("refresh (32) /cpu-s").filter(|_| !postgres) {
        let measured = with_unit("/cpu-s", value);
        goals.push(Goal {
            operation: "refresh, CPU",
            must: "≥ 4,000 /cpu-s".to_owned(),
            measured,
            ratio: None,
            met: value >= 4000.0,
        });
    }
    for (operation, name, factor, idle) in AT_MOST {
        if let (Some(value), Some(idle)) = (readings.median(name), readings.median(idle)) {
            let ratio = value / idle;
            let measured = format!("{value:.2} ms, idle {idle:.2} ms");
            goals.push(Goal {
                operation,
                must: format!("≤ {factor:.0} × idle"),
                measured,
                ratio: Some(ratio),
                met: ratio <= *factor,
            });
        }
    }
    if let Some(value) = readings.median("memory, 256 connections, MiB") {
        let must = "≤ 80 MiB beside 19 MiB for each hashing thread".to_owned();
        let measured = format!("{value:.0} MiB in all");
        goals.push(Goal { operation: "memory, 256 connections", must, measured, ratio: None, met: value <= 99.0 });
    }
    goals
}

fn short(ceiling: &str) -> &str {
    ceiling.trim_end_matches(" /cpu-s").trim_end_matches(" /s")
}

fn with_unit(name: &str, value: f64) -> String {
    let unit = if name.ends_with("/cpu-s") { "/cpu-s" } else { "/s" };
    let digits = usize::from(value < 100.0);
    format!("{} {unit}", super::report::thousands(value, digits))
}
