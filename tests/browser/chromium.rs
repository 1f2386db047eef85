//! One Chromium under one ChromeDriver, both ended with the test.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use serde_json::{Map, json};
use url::Url;

/// How long a page may take to show what it must.
const PATIENCE: Duration = Duration::from_secs(10);

/// A browser window.
pub struct Chromium {
    pub client: Client,
    driver: Child,
    profile: PathBuf,
    pictures: Option<PathBuf>,
}

impl Chromium {
    pub async fn start() -> Self {
        let port = super::demo::free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (Debian: chromium-driver)");
        let profile = std::env::temp_dir().join(format!("castellan-chromium-{port}"));
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--window-size=1280,900",
        ]
        .map(str::to_owned);
        let arguments: Vec<String> =
            arguments.into_iter().chain([format!("--user-data-dir={}", profile.display())]).collect();
        let capabilities: Map<String, serde_json::Value> =
            json!({ "goog:chromeOptions": { "args": arguments } }).as_object().cloned().unwrap_or_default();
        let address = format!("http://127.0.0.1:{port}");
        let started = tokio::time::Instant::now();
        let client = loop {
            match ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
                .capabilities(capabilities.clone())
                .connect(&address)
                .await
            {
                Ok(client) => break client,
                Err(error) if started.elapsed() > PATIENCE => panic!("chromedriver does not answer: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        let pictures = std::env::var_os("CASTELLAN_SCREENSHOTS").map(PathBuf::from);
        Self { client, driver, profile, pictures }
    }

    pub async fn open(&self, address: &str) {
        self.client.goto(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
    }

    /// Waits until the element with that id is there.
    pub async fn find(&self, id: &str) -> Element {
        match self.client.wait().at_most(PATIENCE).for_element(Locator::Id(id)).await {
            Ok(element) => element,
            Err(error) => {
                let text = self.text("body").await;
                panic!("no {id:?} at {}: {error}\n{text}", self.url().await)
            }
        }
    }

    pub async fn has(&self, id: &str) -> bool {
        self.client.find(Locator::Id(id)).await.is_ok()
    }

    pub async fn type_into(&self, id: &str, text: &str) {
        let element = self.find(id).await;
        element.clear().await.expect("the field can be cleared");
        element.send_keys(text).await.expect("the field takes text");
    }

    /// Presses a button that leads to another page, and waits until its own page is gone: whatever is read next
    /// is read from the answer.
    pub async fn press(&self, id: &str) {
        let button = self.find(id).await;
        button.clone().click().await.unwrap_or_else(|error| panic!("{id} cannot be pressed: {error}"));
        let started = tokio::time::Instant::now();
        while button.tag_name().await.is_ok() {
            assert!(started.elapsed() < PATIENCE, "{id} leads nowhere\n{}", self.text("body").await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The text of the element with that id.
    pub async fn text_of(&self, id: &str) -> String {
        self.find(id).await.text().await.expect("text")
    }

    /// The text of the first element that the selector finds; empty if there is none.
    pub async fn text(&self, selector: &str) -> String {
        match self.client.find(Locator::Css(selector)).await {
            Ok(element) => element.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    pub async fn url(&self) -> Url {
        self.client.current_url().await.expect("an address")
    }

    /// Waits until the address begins so.
    pub async fn wait_for_url(&self, beginning: &str) {
        let started = tokio::time::Instant::now();
        while !self.url().await.as_str().starts_with(beginning) {
            let at = self.url().await;
            assert!(started.elapsed() < PATIENCE, "still at {at}, not at {beginning}\n{}", self.text("body").await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Keeps pictures of the page: both themes, desk and phone. Nothing unless a folder was named.
    pub async fn picture(&self, name: &str) {
        let Some(folder) = &self.pictures else { return };
        std::fs::create_dir_all(folder).expect("the folder");
        for (width, height) in [(1280, 900), (390, 844)] {
            for theme in ["light", "dark"] {
                self.emulate(width, height, theme).await;
                let picture = self.client.screenshot().await.expect("a picture");
                std::fs::write(folder.join(format!("{name}-{width}-{theme}.png")), picture).expect("it is kept");
            }
        }
        self.emulate(1280, 900, "light").await;
    }

    async fn emulate(&self, width: u32, height: u32, theme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": theme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// One command of Chromium's own protocol.
    async fn devtools(&self, command: &str, parameters: serde_json::Value) {
        let body = json!({ "cmd": command, "params": parameters });
        self.command("goog/cdp/execute", body).await;
    }

    /// One WebDriver command that the client library does not name.
    pub async fn command(&self, path: &'static str, body: serde_json::Value) -> serde_json::Value {
        self.client.issue_cmd(Raw { path, body }).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub async fn stop(mut self) {
        let _ = self.client.clone().close().await;
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

#[derive(Debug)]
struct Raw {
    path: &'static str,
    body: serde_json::Value,
}

impl fantoccini::wd::WebDriverCompatibleCommand for Raw {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
