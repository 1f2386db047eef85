//! The log: one line an event on standard error, whatever the event's values contain.

use std::io::{self, Write};

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{Format, Invalid, Log};

/// Starts logging.
///
/// # Errors
/// The level is no list of directives.
pub fn start(log: &Log) -> Result<(), Invalid> {
    let filter = EnvFilter::try_new(&log.level).map_err(|error| {
        Invalid::new(
            "log.level",
            error.to_string(),
            "Write a level as \"info\", or directives as \"castellan=debug,info\"",
        )
    })?;
    let layer = fmt().with_env_filter(filter).with_ansi(false).with_writer(|| OneLine(io::stderr()));
    // A second start in one process (tests) keeps the first.
    let _ = match log.format {
        Format::Text => layer.try_init(),
        Format::Json => layer.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// Replaces what would break a line or drive a terminal (security.md row 137): a login name or user
/// agent must not be able to write lines of its own. The escapes are valid inside JSON texts too.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    /// The subscriber hands over whole events, each with its end of line.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        if line.chars().any(breaks_lines) {
            self.0.write_all(escape(line).as_bytes())?;
            self.0.write_all(b"\n")?;
        } else {
            self.0.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn breaks_lines(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len() + 16);
    for character in line.chars() {
        if breaks_lines(character) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// security.md row 137.
    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        let mut written = Vec::new();
        let event = "login=eve\r\nINFO all is well \u{1b}[2J\u{2028}\u{202e}\u{9b}x\n";
        OneLine(&mut written).write_all(event.as_bytes()).expect("writes");
        let text = String::from_utf8(written).expect("text");
        assert_eq!(text.matches('\n').count(), 1);
        assert!(text.ends_with("x\n") && text.contains("\\u000d\\u000aINFO") && text.contains("\\u001b[2J\\u2028"));
        assert!(!text.trim_end().chars().any(breaks_lines));
    }

    #[test]
    fn a_bad_level_names_its_key() {
        let log = Log { level: "castellan=loud".to_owned(), ..Log::default() };
        assert_eq!(start(&log).expect_err("refused").key, "log.level");
    }
}
