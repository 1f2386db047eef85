use anyhow::{Context, Result};
use scraper::{ElementRef, Html, Selector};

/// Names and values as `application/x-www-form-urlencoded`.
pub fn encode(form: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// A form of a page with what its fields hold already, hidden ones included.
pub struct Form {
    pub action: Option<String>,
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// The form that is sent by the button of that id, with the button's own name and value.
    pub fn of_button(page: &str, id: &str) -> Result<Option<Self>> {
        let page = Html::parse_document(page);
        let Some(button) = page.select(&selector(&format!("#{id}"))?).next() else { return Ok(None) };
        let form = button
            .ancestors()
            .filter_map(ElementRef::wrap)
            .find(|element| element.value().name() == "form")
            .with_context(|| format!("the button {id} lies in no form"))?;
        let mut fields: Vec<_> = form.select(&selector("input[name]")?).filter_map(field).collect();
        if let Some(name) = button.attr("name") {
            fields.push((name.to_owned(), button.attr("value").unwrap_or_default().to_owned()));
        }
        Ok(Some(Self { action: form.attr("action").map(str::to_owned), fields }))
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }

    /// Fills in a field.
    pub fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }
}

fn field(input: ElementRef<'_>) -> Option<(String, String)> {
    let unchecked = matches!(input.attr("type"), Some("checkbox" | "radio")) && input.attr("checked").is_none();
    let button = matches!(input.attr("type"), Some("submit" | "button"));
    let name = input.attr("name").filter(|_| !unchecked && !button)?;
    Some((name.to_owned(), input.attr("value").unwrap_or_default().to_owned()))
}

fn selector(text: &str) -> Result<Selector> {
    Selector::parse(text).map_err(|error| anyhow::anyhow!("{error}"))
}
