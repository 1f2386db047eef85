use anyhow::{Context, Result, bail};

use super::{Answer, Connection, Form, Target, encode};

/// A person's browser: cookies kept, redirects followed as long as they stay on the server.
pub struct Browser {
    pub target: Target,
    connection: Connection,
    pub cookies: Vec<(String, String)>,
}

/// Where a request led in the end.
pub enum Landing {
    Page {
        path: String,
        body: String,
    },
    /// A URL of another site, with a code or an error in its query.
    Away(url::Url),
}

impl Browser {
    pub fn new(target: &Target) -> Self {
        Self { target: target.clone(), connection: Connection::new(target), cookies: Vec::new() }
    }

    pub async fn get(&mut self, path: &str) -> Result<Landing> {
        let request = self.target.get(path, &[("cookie", &self.cookie_header())]);
        self.follow(path, request).await
    }

    /// Sends a form of the page at `path`.
    pub async fn submit(&mut self, path: &str, form: &Form) -> Result<Landing> {
        let action = match form.action.as_deref() {
            None | Some("") => path.to_owned(),
            Some(action) => self.path_of(&self.absolute(path)?.join(action)?),
        };
        let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let origin = format!("http://{}", self.target.host);
        let headers = [
            ("cookie", &*self.cookie_header()),
            ("origin", &origin),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "navigate"),
        ];
        let body = encode(&fields);
        let request =
            self.target.request("POST", &action, &headers, Some(("application/x-www-form-urlencoded", &body)));
        self.follow(&action, request).await
    }

    /// A GET whose redirect is not followed: the answer itself.
    pub async fn once(&mut self, path: &str) -> Result<Answer> {
        let request = self.target.get(path, &[("cookie", &self.cookie_header())]);
        let answer = self.connection.send(&request).await?;
        self.keep_cookies(&answer);
        Ok(answer)
    }

    async fn follow(&mut self, path: &str, request: Vec<u8>) -> Result<Landing> {
        let mut answer = self.connection.send(&request).await?;
        let mut path = path.to_owned();
        for _ in 0..10 {
            self.keep_cookies(&answer);
            if !matches!(answer.status, 301..=308) {
                return Ok(Landing::Page { path, body: answer.text() });
            }
            let location = answer.header("location").context("a redirect without a location")?;
            let location = self.absolute(&path)?.join(location)?;
            if location.origin() != self.absolute("/")?.origin() {
                return Ok(Landing::Away(location));
            }
            path = self.path_of(&location);
            answer = self.once(&path).await?;
        }
        bail!("too many redirects, the last to {path}")
    }

    fn absolute(&self, path: &str) -> Result<url::Url> {
        Ok(url::Url::parse(&format!("http://{}", self.target.host))?.join(path)?)
    }

    fn path_of(&self, url: &url::Url) -> String {
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    pub fn cookie_header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for (_, text) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let Some((name, rest)) = text.split_once('=') else { continue };
            let value = rest.split(';').next().unwrap_or_default();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() && !rest.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}
