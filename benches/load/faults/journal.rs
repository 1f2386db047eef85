use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::journeys::{Code, Tokens};

/// What the driver knows of the codes of a round, flushed to disk line by line.
pub struct Journal {
    path: PathBuf,
    file: File,
}

#[derive(Serialize, Deserialize)]
struct Line {
    event: Event,
    code: String,
    verifier: String,
    #[serde(default)]
    access: Option<String>,
    #[serde(default)]
    refresh: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Issued,
    Sent,
    Acknowledged,
}

/// How far a code had come when the server was killed.
pub enum Fate {
    /// Issued, never sent.
    Unused,
    /// Sent, and no answer came: used or not.
    Unknown,
    /// The answer was 200: these tokens are promised.
    Redeemed { access: String, refresh: Option<String> },
}

impl Journal {
    pub fn begin(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), file: File::create(path)? })
    }

    pub fn issued(&self, code: &Code) -> Result<()> {
        self.append(Event::Issued, code, None)
    }

    pub fn sent(&self, code: &Code) -> Result<()> {
        self.append(Event::Sent, code, None)?;
        Ok(self.file.sync_data()?)
    }

    pub fn acknowledged(&self, code: &Code, tokens: &Tokens) -> Result<()> {
        self.append(Event::Acknowledged, code, Some(tokens))?;
        Ok(self.file.sync_data()?)
    }

    fn append(&self, event: Event, code: &Code, tokens: Option<&Tokens>) -> Result<()> {
        let line = Line {
            event,
            code: code.code.clone(),
            verifier: code.verifier.clone(),
            access: tokens.map(|tokens| tokens.access.clone()),
            refresh: tokens.and_then(|tokens| tokens.refresh.clone()),
        };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        Ok((&self.file).write_all(text.as_bytes())?)
    }

    /// What the file says, in the order of issue.
    pub fn fates(&self) -> Result<Vec<(Code, Fate)>> {
        let mut order = Vec::new();
        let mut fates = BTreeMap::new();
        for line in fs::read_to_string(&self.path)?.lines() {
            let Line { event, code, verifier, access, refresh } = serde_json::from_str(line)?;
            let fate = match (event, access) {
                (Event::Issued, _) => {
                    order.push(Code { code: code.clone(), verifier });
                    Fate::Unused
                }
                (Event::Acknowledged, Some(access)) => Fate::Redeemed { access, refresh },
                _ => Fate::Unknown,
            };
            fates.insert(code, fate);
        }
        Ok(order.into_iter().filter_map(|code| fates.remove(&code.code).map(|fate| (code, fate))).collect())
    }
}
