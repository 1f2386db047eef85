//! OAuth clients of a connection, on its page: for tools that fetch a token instead of keeping one.

use axum::{
    extract::{Path, State},
    http::Method,
    response::Response,
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{acts::finish, show};
use crate::{
    http::Form,
    portal::{
        Portal, Trouble, Visit,
        api::{Connection, ConnectionClient, ConnectionClientList, ConnectionClientWithSecret},
        toast::Toast,
        user_acts::Nothing,
        words,
    },
};

/// The API lets a connection have so many, so that one can be replaced without a gap.
const MOST: usize = 2;

/// The clients of a connection, as its page shows them.
pub struct Clients {
    pub lines: Vec<ClientLine>,
    pub token_endpoint: String,
}

/// One client.
pub struct ClientLine {
    pub client: ConnectionClient,
    pub made: String,
}

impl Clients {
    /// Those of the connection at that path of the API.
    pub async fn of(visit: &Visit, connection: &str) -> Result<Self, Trouble> {
        let list: ConnectionClientList = visit.get(&format!("{connection}/clients")).await?;
        let line = |client: ConnectionClient| ClientLine { made: words::date(&client.created_at), client };
        Ok(Self { lines: list.clients.into_iter().map(line).collect(), token_endpoint: list.token_endpoint })
    }

    /// Whether one more can be made.
    pub fn has_room(&self) -> bool {
        self.lines.len() < MOST
    }
}

/// A client to be made.
#[derive(Deserialize)]
pub struct NewClient {
    #[serde(default)]
    name: String,
}

/// `POST .../clients`: the answer shows its secret, this once.
pub async fn create(
    Path((id, connection)): Path<(Uuid, Uuid)>,
    visit: Visit,
    Form(form): Form<NewClient>,
) -> Result<Response, Trouble> {
    let path = format!("/organizations/{id}/connections/{connection}");
    let body = json!({ "name": form.name });
    match visit.send::<ConnectionClientWithSecret, _>(Method::POST, &format!("{path}/clients"), Some(&body)).await? {
        Ok(made) => {
            let connection: Connection = visit.get(&path).await?;
            show::render(&visit, id, &connection, show::More::of_client(made)).await
        }
        Err(problem) => show::refused(&visit, (id, connection), problem.by_first_fault()).await,
    }
}

/// `POST .../clients/{client}/end`
pub async fn end(
    State(portal): State<Portal>,
    Path((id, connection, client)): Path<(Uuid, Uuid, Uuid)>,
    visit: Visit,
    _: Form<Nothing>,
) -> Result<Response, Trouble> {
    let act = (Method::DELETE, format!("/clients/{client}"));
    finish(&portal, &visit, (id, connection), act, Toast::ClientEnded).await
}
