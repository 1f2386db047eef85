//! What the input is made of: requests as tools send them, and the pieces that matter.

use serde_json::{Value, json};

pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Filters, and parts of some.
pub const FILTERS: &[&str] = &[
    r#"userName eq "alice""#,
    r#"externalId eq "Ab" and active eq true"#,
    r#"emails[type eq "work"].value eq "a@work.example""#,
    r#"emails[type eq "work" and value co "@x"]"#,
    r#"not (userName sw "a") or (title pr and nickName ne null)"#,
    r#"meta.lastModified gt "2026-01-01T12:59:00+01:00""#,
    r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "Sales""#,
    r#"id eq "1" and manager eq "2""#,
    r#"name.familyName co "ÅNG""#,
    r#"emails[primary eq "True"].value pr"#,
    r#"title eq "\u0041\"\\\n""#,
    r#"not(not(not(active eq FALSE)))"#,
    r#"x509Certificates.value eq "MA==""#,
    r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#,
    r#"groups[display eq "x"] and addresses[country eq "EE" or locality pr]"#,
    r#"userName EQ "x" AND (title Pr OR active Ne True)"#,
];

/// Paths.
pub const PATHS: &[&str] = &[
    "userName",
    "name.givenName",
    "emails",
    "emails.value",
    r#"emails[type eq "work"]"#,
    r#"emails[type eq "work"].value"#,
    r#"emails[primary eq "True" and not (value ew "x")].display"#,
    r#"addresses[type eq "work" or type eq "home"].country"#,
    "manager",
    "manager.value",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0User:department",
    "urn:scim:schemas:core:2.0:User:userName",
    "urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq \"x\"].value",
    "meta.created",
    "password",
    "id",
];

/// Pieces to mix in.
pub const PIECES: &[&str] = &[
    "userName",
    "emails",
    "active",
    "title",
    "manager",
    "meta.created",
    "name.familyName",
    "value",
    "type",
    "primary",
    " eq ",
    " ne ",
    " co ",
    " sw ",
    " ew ",
    " pr",
    " gt ",
    " ge ",
    " lt ",
    " le ",
    " and ",
    " or ",
    " not ",
    "not (",
    "(",
    ")",
    "[",
    "]",
    "].value",
    ".",
    ":",
    "\"x\"",
    "\"",
    "\\",
    "\\\"",
    "\\u0000",
    "\\ud800",
    "true",
    "True",
    "\"False\"",
    "null",
    "1",
    "-1e400",
    "2026-01-01T00:00:00Z",
    "\"2026-02-30T25:00:00Z\"",
    "urn:",
    "urn:scim:schemas:core:2.0",
    "urn:ietf:params:scim:schemas:core:2.0:User:",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "é",
    "e\u{301}",
    "İ",
    "ﬁ",
    "𝔘",
    "%",
    "_",
    "' or 1=1 --",
    "\t",
    "\n",
    "  ",
    "$ref",
    "@",
    ",",
    "{",
    "}",
];

/// A person as rows would hold it.
pub fn alice() -> Value {
    json!({
        "userName": "alice", "externalId": "Ab", "name": { "givenName": "Alice", "familyName": "Ångström" }, "active": true,
        "title": "50% \"off\"",
        "emails": [
            { "value": "a@work.example", "type": "work", "primary": true },
            { "value": "a@home.example", "type": "home" },
        ],
        ENTERPRISE: { "department": "Sales", "manager": { "value": "m" } },
    })
}

/// Bodies of POST and PUT.
pub fn resources() -> Vec<Value> {
    vec![
        alice(),
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE], "userName": "a", "active": "True",
            "addresses": null, "emails": [{ "type": "work", "value": "a@x", "primary": "true" }], "department": "Sales", "manager": "m" }),
        json!({ "schemas": ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"], "userName": "a",
            "urn:scim:schemas:extension:enterprise:2.0": { "manager": [{ "value": "m" }], "costCenter": "7" } }),
        json!({ "userName": "a", "x509Certificates": [{ "value": "MA==" }], "phoneNumbers": ["1", { "value": "2" }],
            "ims": { "value": "x", "type": "xmpp" }, "photos": [{ "value": "https://x/y.png", "type": "photo" }] }),
        json!({ "USERNAME": "a", "Name": { "FORMATTED": "A" }, "groups": [], "meta": {}, "id": "x", "password": "p",
            "phoneNumbers": [{ "value": "{\"value\":\"25\",\"displayName\":\"R\"}" }] }),
    ]
}

/// Bodies of PATCH.
pub fn patches() -> Vec<Value> {
    let one = |op: &str, path: &str, value: Value| json!({ "op": op, "path": path, "value": value });
    let operations = [
        json!([one("Replace", "active", json!("False")), one("Add", "emails[type eq \"other\"].value", json!("o@x"))]),
        json!([{ "op": "replace", "value": { "name.givenName": "G", format!("{ENTERPRISE}:employeeNumber"): "7", "active": false } }]),
        json!([one("remove", "emails", json!([{ "value": "a@home.example" }])), { "op": "remove", "path": "emails[primary eq true]" }]),
        json!([
            one("add", "emails", json!([{ "value": "n", "primary": true }])),
            one("replace", "emails.primary", json!(false))
        ]),
        json!([
            one("replace", "manager", json!("")),
            one("add", ENTERPRISE, json!({ "division": "D", "manager": "m2" }))
        ]),
        json!([{ "op": "remove", "path": ENTERPRISE }, one("replace", "name", json!({ "familyName": null }))]),
        json!([
            one("replace", "emails[type eq \"work\"]", json!({ "value": "w", "type": "other" })),
            one("add", "title", json!(null))
        ]),
    ];
    operations.into_iter().map(|operations| json!({ "Operations": operations })).collect()
}
