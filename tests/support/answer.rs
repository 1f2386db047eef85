use axum::{
    body::Body,
    http::{HeaderMap, Response, StatusCode},
};
use scraper::{Html, Selector};

/// What came back: status, headers and the whole body.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    /// Where a browser is after its redirects; empty for requests of no browser.
    pub url: String,
}

impl Answer {
    pub(super) async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 64 << 20).await.expect("the body can be read");
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Self { status: parts.status, headers: parts.headers, body, url: String::new() }
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    /// The body as JSON of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> serde_json::Value {
        self.has_status(status);
        if self.body.is_empty() { serde_json::Value::Null } else { self.json() }
    }

    /// Asserts the status, showing the body if it differs.
    #[track_caller]
    pub fn has_status(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{} {}", self.url, self.body);
        self
    }

    /// Asserts an OAuth error of that code.
    #[track_caller]
    pub fn refuses(&self, status: u16, error: &str) {
        assert_eq!(self.expect(status)["error"], error, "{}", self.body);
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Where a redirect leads.
    #[track_caller]
    pub fn location(&self) -> String {
        assert!(self.status.is_redirection(), "no redirect: {} {}", self.status, self.body);
        self.header("location").to_owned()
    }

    /// One parameter of the redirect's query.
    #[track_caller]
    pub fn location_parameter(&self, name: &str) -> Option<String> {
        let location =
            url::Url::parse("http://localhost:8080").and_then(|base| base.join(&self.location())).expect("a URL");
        location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The text of the element with that id, if there is one.
    pub fn text_of(&self, id: &str) -> Option<String> {
        let document = Html::parse_document(&self.body);
        let element = document.select(&by_id(id)).next()?;
        Some(element.text().collect::<String>().trim().to_owned())
    }

    pub fn has_element(&self, id: &str) -> bool {
        self.text_of(id).is_some()
    }

    /// An attribute of the element with that id.
    pub fn attribute_of(&self, id: &str, attribute: &str) -> Option<String> {
        let document = Html::parse_document(&self.body);
        document.select(&by_id(id)).next()?.value().attr(attribute).map(str::to_owned)
    }

    /// Action and fields of the form with that id, or of the form that the button with that id is in.
    /// Fields are what a browser would send without typing; the button's own name and value come last.
    #[track_caller]
    pub fn form(&self, id: &str) -> (String, Vec<(String, String)>) {
        let document = Html::parse_document(&self.body);
        let named = document.select(&by_id(id)).next().unwrap_or_else(|| panic!("no element {id:?}: {}", self.body));
        let form = if named.value().name() == "form" {
            named
        } else {
            named
                .ancestors()
                .filter_map(scraper::ElementRef::wrap)
                .find(|element| element.value().name() == "form")
                .unwrap_or_else(|| panic!("{id:?} is in no form"))
        };
        let mut fields = Vec::new();
        let inputs = Selector::parse("input, textarea, select").expect("a selector");
        for input in form.select(&inputs) {
            let element = input.value();
            let Some(name) = element.attr("name") else { continue };
            let kind = element.attr("type").unwrap_or("text");
            if matches!(kind, "checkbox" | "radio") && element.attr("checked").is_none() {
                continue;
            }
            let value = match element.name() {
                "textarea" => input.text().collect(),
                "select" => {
                    let chosen = Selector::parse("option[selected]").expect("a selector");
                    let first = Selector::parse("option").expect("a selector");
                    let option = input.select(&chosen).next().or_else(|| input.select(&first).next());
                    option.and_then(|option| option.value().attr("value")).unwrap_or_default().to_owned()
                }
                _ => element.attr("value").unwrap_or(if kind == "checkbox" { "on" } else { "" }).to_owned(),
            };
            fields.push((name.to_owned(), value));
        }
        if named.value().name() == "button"
            && let Some(name) = named.value().attr("name")
        {
            fields.push((name.to_owned(), named.value().attr("value").unwrap_or_default().to_owned()));
        }
        (form.value().attr("action").unwrap_or_default().to_owned(), fields)
    }
}

fn by_id(id: &str) -> Selector {
    Selector::parse(&format!("[id=\"{id}\"]")).expect("a selector")
}
