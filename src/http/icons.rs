use std::fmt::Write;

use askama::filters::Safe;

/// The drawn signs of the pages, 16 by 16, one stroke: name and path. Add to the list what a page needs.
const ICONS: &[(&str, &str)] = &[
    ("alert", "M8 2L1.5 13.5h13zM8 6.5v3.2M8 11.6h.01"),
    ("audit", "M3.5 2h9v12h-9zM6 5.5h4M6 8h4M6 10.5h2.5"),
    ("back", "M10 3.5L5.5 8l4.5 4.5"),
    ("chart", "M2.5 14v-4M6.2 14V6M9.8 14V8.5M13.5 14V2.5"),
    ("check", "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.3 8.2l1.9 1.9 3.5-3.9"),
    ("clock", "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.5"),
    ("close", "M4 4l8 8M12 4l-8 8"),
    ("connection", "M6 1.5v3M10 1.5v3M4 4.5h8v3a4 4 0 0 1-8 0zM8 11.5v3"),
    ("copy", "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3"),
    ("dark", "M13.5 9.5A5.8 5.8 0 0 1 6.5 2.5a5.8 5.8 0 1 0 7 7z"),
    ("device", "M2 3h12v8.5H2zM5.5 14h5"),
    ("download", "M8 2v8M4.5 7L8 10.5 11.5 7M2.5 13.5h11"),
    ("eye", "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 9.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6z"),
    ("fingerprint", "M3 6.5a5.3 5.3 0 0 1 10 0M3.2 11.5c.5-1 .6-2 .6-3a4.2 4.2 0 0 1 8.4 0c0 1.6-.1 2.9-.6 4.2M6 14c.6-1.6.9-3.2.9-5.3a1.1 1.1 0 0 1 2.2 0c0 2-.2 3.7-.7 5.3"),
    ("gauge", "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 8l3.8-3.8M8 10.7A2.7 2.7 0 1 0 5.3 8"),
    ("groups", "M8 6.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM3.5 13.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM12.5 13.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM7 6.3L4.5 9.7M9 6.3l2.5 3.4"),
    ("home", "M2 7l6-5 6 5v7H9.5v-4h-3v4H2z"),
    ("info", "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.3v3.5M8 5.1h.01"),
    ("key", "M5.2 13.8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM7.4 8.6L13.5 2.5M11 5l2 2"),
    ("light", "M8 10.8A2.8 2.8 0 1 0 8 5.2a2.8 2.8 0 0 0 0 5.6zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9"),
    ("lock", "M3.5 7h9v7h-9zM5.5 7V4.8a2.5 2.5 0 0 1 5 0V7"),
    ("mail", "M1.5 3.5h13v9h-13zM1.5 4.5L8 9l6.5-4.5"),
    ("menu", "M2 4.5h12M2 8h12M2 11.5h12"),
    ("more", "M3.5 8h.01M8 8h.01M12.5 8h.01"),
    ("next", "M6 3.5L10.5 8 6 12.5"),
    ("open", "M6 3.5H2.5v10h10V10M9 2.5h4.5V7M13.5 2.5L7.5 8.5"),
    ("organization", "M2.5 14V4h2V2.5h2V4h3V2.5h2V4h2v10zM6.5 14v-3.2a1.5 1.5 0 0 1 3 0V14"),
    ("person", "M8 7.5A2.75 2.75 0 1 0 8 2a2.75 2.75 0 0 0 0 5.5zM2.5 14c0-2.8 2.5-4.3 5.5-4.3s5.5 1.5 5.5 4.3"),
    ("phone", "M4.5 1.5h7v13h-7zM7.2 12.3h1.6"),
    ("plus", "M8 3v10M3 8h10"),
    ("print", "M4 6V2h8v4M4 11.5H2V6h12v5.5h-2M4 9.5h8V14H4z"),
    ("restore", "M2.5 8a5.5 5.5 0 1 0 1.8-4.1M2.5 2v3.2h3.2M8 5v3.2l2.2 1.6"),
    ("reviews", "M2 4l1.2 1.2L5.5 3M2 11l1.2 1.2 2.3-2.2M8.5 4.5H14M8.5 11.5H14"),
    ("search", "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.8 10.8L14 14"),
    ("settings", "M2 4.5h7M12.5 4.5H14M2 11.5h1.5M7 11.5h7M10.7 6.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zM5.3 13.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4z"),
    ("shield", "M8 1.8l5.2 1.7v4.2c0 3-2 5.3-5.2 6.5-3.2-1.2-5.2-3.5-5.2-6.5V3.5z"),
    ("sign-out", "M6.5 2.5H2.5v11h4M10 11l3-3-3-3M13 8H6"),
    ("switch", "M5 6l3-3 3 3M5 10l3 3 3-3"),
    ("table", "M2.5 2.5h11v11h-11zM2.5 6.2h11M2.5 9.8h11M6.5 2.5v11"),
    ("tray", "M2 9.5l2-6h8l2 6v4H2zM2 9.5h3.5L6.5 11h3l1-1.5H14"),
    ("users", "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM1.5 14c0-2.6 2-4.2 4.5-4.2s4.5 1.6 4.5 4.2M10.5 2.8a2.5 2.5 0 0 1 0 4.5M12.4 10.2c1.3.6 2.1 1.9 2.1 3.8"),
];

/// The sign of that name; nothing where there is none.
pub(super) fn icon(name: &str) -> Safe<String> {
    let mut svg = String::new();
    if let Some((_, path)) = ICONS.iter().find(|(known, _)| *known == name) {
        let _ = write!(svg, r#"<svg class="i" viewBox="0 0 16 16" aria-hidden="true"><path d="{path}"/></svg>"#);
    }
    Safe(svg)
}
