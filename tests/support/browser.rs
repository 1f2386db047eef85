use std::collections::BTreeMap;

use axum::http::{Method, header};
use url::Url;

use super::{Answer, Castellan, PUBLIC_URL};

/// A browser without JavaScript: keeps cookies, follows redirects on our own origin, submits forms.
pub struct Browser<'c> {
    castellan: &'c Castellan,
    /// Name to value. Public, so that a test can steal, keep or restore them.
    pub cookies: BTreeMap<String, String>,
}

impl<'c> Browser<'c> {
    pub(super) fn new(castellan: &'c Castellan) -> Self {
        Self { castellan, cookies: BTreeMap::new() }
    }

    /// Opens an address and follows redirects while they stay here. A redirect that leads to another
    /// origin is the answer: its Location says where.
    pub async fn get(&mut self, address: &str) -> Answer {
        self.walk(Method::GET, address, None).await
    }

    /// One request, no redirect followed.
    pub async fn get_once(&mut self, address: &str) -> Answer {
        self.once(Method::GET, &absolute(PUBLIC_URL, address), None, &[]).await
    }

    /// Submits the form with that id (or the form in which that button is, pressing it) after typing
    /// the given fields, and follows redirects.
    #[track_caller]
    pub fn submit(
        &mut self,
        page: &Answer,
        form_or_button: &str,
        typed: &[(&str, &str)],
    ) -> impl std::future::Future<Output = Answer> + use<'_, 'c> {
        let (action, mut fields) = page.form(form_or_button);
        for (name, value) in typed {
            match fields.iter_mut().find(|(field, _)| field == name) {
                Some((_, old)) => (*value).clone_into(old),
                None => fields.push(((*name).to_owned(), (*value).to_owned())),
            }
        }
        let address = absolute(if page.url.is_empty() { PUBLIC_URL } else { &page.url }, &action).to_string();
        async move { self.walk(Method::POST, &address, Some(fields)).await }
    }

    /// Posts fields that no page has, and follows redirects.
    pub async fn post(&mut self, address: &str, fields: &[(&str, &str)]) -> Answer {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.walk(Method::POST, address, Some(fields)).await
    }

    /// Posts with headers of one's choice (Origin, Sec-Fetch-Site), no redirect followed.
    pub async fn post_once(&mut self, address: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.once(Method::POST, &absolute(PUBLIC_URL, address), Some(fields), headers).await
    }

    async fn walk(&mut self, mut method: Method, address: &str, mut fields: Option<Vec<(String, String)>>) -> Answer {
        let mut at = absolute(PUBLIC_URL, address);
        for _ in 0..20 {
            let answer = self.once(method.clone(), &at, fields.take(), &[]).await;
            if !answer.status.is_redirection() || answer.header("location").is_empty() {
                return answer;
            }
            let next = absolute(at.as_str(), answer.header("location"));
            if next.origin() != absolute(PUBLIC_URL, "/").origin() {
                return answer;
            }
            at = next;
            method = Method::GET;
        }
        panic!("redirected in circles at {at}");
    }

    async fn once(
        &mut self,
        method: Method,
        at: &Url,
        fields: Option<Vec<(String, String)>>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let path = &at[url::Position::BeforePath..url::Position::AfterQuery];
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut all = vec![("cookie", cookies.as_str())];
        if method == Method::POST {
            all.push(("content-type", "application/x-www-form-urlencoded"));
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("origin")) {
                all.extend([("origin", PUBLIC_URL), ("sec-fetch-site", "same-origin")]);
            }
        }
        all.extend(headers);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.unwrap_or_default()).finish();
        let mut answer = self.castellan.request(method.as_str(), path, &all, body).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let parsed = cookie::Cookie::parse(cookie.to_str().expect("a cookie").to_owned()).expect("a cookie");
            if parsed.max_age().is_some_and(|age| age.is_zero()) || parsed.value().is_empty() {
                self.cookies.remove(parsed.name());
            } else {
                self.cookies.insert(parsed.name().to_owned(), parsed.value().to_owned());
            }
        }
        answer.url = at.to_string();
        answer
    }
}

fn absolute(base: &str, address: &str) -> Url {
    Url::parse(base).and_then(|base| base.join(address)).expect("an address")
}
