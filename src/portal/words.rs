//! How pages word what the API says.

use chrono::{DateTime, Datelike, Utc};

use crate::clock::Timestamp;

/// A class that gives names their colour, always the same one.
pub fn hue(name: &str) -> &'static str {
    const HUES: [&str; 6] = ["", "h2", "h3", "h4", "h5", "h6"];
    let sum = name.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    HUES[sum % HUES.len()]
}

/// A past time in words. The exact one stands in the element's `datetime` and title.
pub fn ago(rfc3339: &str, now: Timestamp) -> String {
    let Ok(at) = DateTime::parse_from_rfc3339(rfc3339) else { return rfc3339.to_owned() };
    let (at, now) = (at.with_timezone(&Utc), now.to_chrono());
    let minutes = (now - at).num_minutes();
    match minutes {
        ..=0 => "just now".to_owned(),
        1 => "a minute ago".to_owned(),
        2..=59 => format!("{minutes} minutes ago"),
        60..=119 => "an hour ago".to_owned(),
        120..=1439 => format!("{} hours ago", minutes / 60),
        1440..=2879 => "a day ago".to_owned(),
        2880..=10079 => format!("{} days ago", minutes / 1440),
        _ if at.year() == now.year() => at.format("%-d %B").to_string(),
        _ => date(rfc3339),
    }
}

/// The day, as "14 September 2026".
pub fn date(rfc3339: &str) -> String {
    match DateTime::parse_from_rfc3339(rfc3339) {
        Ok(at) => at.with_timezone(&Utc).format("%-d %B %Y").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}

/// The time of day, to the second.
pub fn clock(rfc3339: &str) -> String {
    match DateTime::parse_from_rfc3339(rfc3339) {
        Ok(at) => at.with_timezone(&Utc).format("%H:%M:%S").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}

/// The day in short: "today", or "14 Sep".
pub fn day(rfc3339: &str, now: Timestamp) -> String {
    let Ok(at) = DateTime::parse_from_rfc3339(rfc3339) else { return rfc3339.to_owned() };
    let (at, now) = (at.with_timezone(&Utc), now.to_chrono());
    if at.date_naive() == now.date_naive() { "today".to_owned() } else { at.format("%-d %b").to_string() }
}

/// The day of the week, the day and the month.
pub fn today(now: Timestamp) -> String {
    now.to_chrono().format("%A %-d %B").to_string()
}

/// A second factor's kind.
pub fn factor(kind: &str) -> &'static str {
    match kind {
        "totp" => "App",
        "passkey" => "Passkey",
        "email" => "E-mail",
        _ => "Other",
    }
}

/// Kinds of second factors in one phrase: "Passkey, app".
pub fn factors(kinds: &[String]) -> String {
    let words: Vec<String> = kinds.iter().map(|kind| factor(kind).to_lowercase()).collect();
    capital(&words.join(", "))
}

/// With a capital at its beginning.
pub fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// A sign for a product, by what it says of itself; products have no pictures of their own yet.
pub fn product_icon(description: &str, slug: &str) -> &'static str {
    let text = format!("{description} {slug}").to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if slug == "portal" {
        "home"
    } else if has(&["cloud", "mail"]) {
        "tray"
    } else if has(&["backup", "restore", "recover"]) {
        "restore"
    } else if has(&["sync", "share", "file", "relay"]) {
        "switch"
    } else if has(&["monitor", "alert", "watch"]) {
        "gauge"
    } else {
        "table"
    }
}

/// "1 user", "3 users".
pub fn count(number: i64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// A connection's tool.
pub fn vendor(word: &str) -> &'static str {
    match word {
        "entra" => "Microsoft Entra ID",
        "okta" => "Okta",
        "onelogin" => "OneLogin",
        "jumpcloud" => "JumpCloud",
        _ => "Another SCIM 2.0 tool",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_words() {
        let now = Timestamp::from_seconds(1_795_507_200);
        let before = |seconds: i64| Timestamp::from_seconds(1_795_507_200 - seconds).to_rfc3339();
        assert_eq!(ago(&before(5), now), "just now");
        assert_eq!(ago(&before(60), now), "a minute ago");
        assert_eq!(ago(&before(3600 * 5), now), "5 hours ago");
        assert_eq!(ago(&before(86400 * 3), now), "3 days ago");
        assert_eq!(ago(&before(86400 * 30), now), "25 October");
        assert_eq!(ago(&before(86400 * 400), now), "20 October 2025");
        assert_eq!(factors(&["passkey".to_owned(), "totp".to_owned()]), "Passkey, app");
    }
}
