use std::cmp::Ordering;

use serde_json::Value;

use super::{Filter, Literal, Operator};
use crate::{
    scim::{schema::Located, value},
    text::fold,
};

pub(super) fn matches(filter: &Filter<'_>, resource: &Value) -> bool {
    match filter {
        Filter::And(a, b) => matches(a, resource) && matches(b, resource),
        Filter::Or(a, b) => matches(a, resource) || matches(b, resource),
        Filter::Not(inner) => !matches(inner, resource),
        Filter::Present(located) => values(located, resource).any(is_assigned),
        Filter::Compare(located, operator, literal) => {
            let equal = |negated: bool| {
                let found = match literal {
                    Literal::Null => !values(located, resource).any(is_assigned),
                    _ => values(located, resource).any(|value| compare(value, Operator::Equal, literal)),
                };
                found != negated
            };
            match operator {
                Operator::Equal => equal(false),
                Operator::NotEqual => equal(true),
                operator => values(located, resource).any(|value| compare(value, *operator, literal)),
            }
        }
        Filter::Elements(located, inner) => {
            elements(located.value(resource)).iter().any(|element| matches(inner, element))
        }
    }
}

/// A value as a list: none, itself, or its elements.
fn elements(value: Option<&Value>) -> &[Value] {
    match value {
        None => &[],
        Some(Value::Array(values)) => values,
        Some(value) => std::slice::from_ref(value),
    }
}

/// All values that a name means in the resource.
fn values<'v>(located: &Located<'_>, resource: &'v Value) -> impl Iterator<Item = &'v Value> {
    let sub = located.sub.map(|sub| sub.name.clone());
    elements(located.value(resource)).iter().flat_map(move |element| match &sub {
        None => std::slice::from_ref(element),
        Some(sub) => elements(element.get(sub)),
    })
}

fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

pub(super) fn compare(value: &Value, operator: Operator, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::String(text), Literal::Exact(wanted)) => compare_text(text, operator, wanted),
        (Value::String(text), Literal::Text(wanted)) => compare_text(&fold(text), operator, wanted),
        (Value::String(text), Literal::Instant(wanted)) => {
            value::instant(text).is_some_and(|instant| holds(instant.cmp(wanted), operator))
        }
        (Value::Bool(value), Literal::Boolean(wanted)) => holds(value.cmp(wanted), operator),
        (Value::Number(number), Literal::Number(wanted)) => {
            let ordering = number.as_f64().and_then(|number| number.partial_cmp(wanted));
            ordering.is_some_and(|ordering| holds(ordering, operator))
        }
        _ => false,
    }
}

fn compare_text(text: &str, operator: Operator, wanted: &str) -> bool {
    match operator {
        Operator::Contains => text.contains(wanted),
        Operator::StartsWith => text.starts_with(wanted),
        Operator::EndsWith => text.ends_with(wanted),
        operator => holds(text.cmp(wanted), operator),
    }
}

fn holds(ordering: Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        // Parts are of text only.
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use crate::scim::{filter, schema::Registry};

    fn answer(text: &str) -> Result<bool, Option<&'static str>> {
        let registry = Registry::load(None).expect("embedded schemas");
        let user = registry.resource_type("User").expect("a type");
        let resource = json!({
            "userName": "Alice", "externalId": "Ab", "active": true, "title": "50% \"off\"",
            "name": { "familyName": "Ångström" },
            "emails": [
                { "value": "a@work.example", "type": "work", "primary": true },
                { "value": "a@home.example", "type": "home" },
            ],
            "meta": { "lastModified": "2026-01-01T12:00:00Z" },
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Sales" },
        });
        filter::parse(user, text).map(|filter| filter.matches(&resource)).map_err(|refusal| refusal.scim_type())
    }

    #[test]
    fn filters_mean_what_the_rfc_says() {
        for (text, expected) in [
            (r#"userName eq "aLICE""#, true),
            (r#"USERNAME EQ "alice""#, true),
            (r#"externalId eq "ab""#, false),
            (r#"externalId eq "Ab""#, true),
            (r#"userName ne "alice""#, false),
            (r#"nickName ne "x""#, true),
            (r#"name.familyName co "ÅNG""#, true),
            (r#"name.familyName sw "a\u030aNG""#, true),
            (r#"title co "% \"""#, true),
            (r#"title co "_""#, false),
            (r#"userName ew "ice" and (active eq false or emails pr)"#, true),
            ("active eq true", true),
            ("active eq false", false),
            ("title pr and nickName pr", false),
            ("nickName eq null", true),
            ("title ne null", true),
            (r#"not (userName eq "alice")"#, false),
            (r#"not(userName eq "bob")"#, true),
            // `and` binds closer than `or`.
            (r#"userName eq "alice" or userName eq "x" and active eq false"#, true),
            (r#"emails co "HOME.example""#, true),
            (r#"emails.value eq "a@home.example""#, true),
            // Value paths hold on one element.
            (r#"emails[type eq "work" and value co "home"]"#, false),
            (r#"emails[type eq "home" and value co "home"]"#, true),
            (r#"emails[not (type eq "work")]"#, true),
            (r#"meta.lastModified gt "2026-01-01T12:59:00+01:00""#, true),
            (r#"meta.lastModified eq "2026-01-01T13:00:00.000+01:00""#, true),
            (r#"meta.lastModified lt "2026-01-01T12:00:00Z""#, false),
            (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "sales""#, true),
            (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "alice""#, true),
        ] {
            assert_eq!(answer(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let deep = format!("{}title pr{}", "(".repeat(100_000), ")".repeat(100_000));
        let nested = format!("{}title pr{}", "(".repeat(30), ")".repeat(30));
        let nots = "not (".repeat(500);
        let wide = vec!["title pr"; 101].join(" or ");
        let long = format!("title eq \"{}\"", "x".repeat(1 << 20));
        for text in [
            "",
            "title",
            "title eq",
            "title eq x",
            "title xx \"x\"",
            "shoeSize pr",
            "title pr and",
            "(title pr",
            "title pr)",
            "title eq \"x",
            "title eq \"\\q\"",
            "active gt true",
            "active co true",
            "name eq \"x\"",
            "password eq \"x\"",
            "password pr",
            "emails[type eq \"x\"",
            "emails[emails[type pr]]",
            "emails[shoe pr]",
            "userName[value pr]",
            "not title pr",
            "title gt null",
            "meta.created gt \"yesterday\"",
            "title pr title pr",
            "x509Certificates.value gt \"x\"",
            "1 eq 1",
            "active eq True",
            r#"active eq "true""#,
            r#"emails[type eq "work"].value eq "a@work.example""#,
            "' or 1=1 --",
            &deep,
            &nested,
            &nots,
            &wide,
            &long,
        ] {
            assert_eq!(answer(text), Err(Some("invalidFilter")), "{}", text.chars().take(60).collect::<String>());
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in r#"[ a-zA-Z.:\[\]()"\\0-9åé]{0,80}"#) {
            let _ = answer(&text);
        }

        #[test]
        fn pieces_of_filters_never_break_it(pieces in prop::collection::vec(
            prop::sample::select(vec!["userName", "emails", "active", "eq", "pr", "and", "or", "not", "(", ")", "[", "]",
                "\"x\"", "true", ".value", "null", "type", "meta.created"]), 0..30)) {
            let _ = answer(&pieces.join(" "));
        }

        #[test]
        fn a_negation_is_the_opposite(operator in prop::sample::select(vec!["eq", "ne", "co", "sw", "ew", "gt", "le"]),
            text in "[a-zA-Z]{0,3}") {
            let plain = format!("userName {operator} \"{text}\"");
            prop_assert_eq!(answer(&plain).map(|found| !found), answer(&format!("not ({plain})")));
        }
    }
}
