//! `castellan demo`.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use axum::{Router, middleware};
use clap::Args;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{logging, output::say, running, start};
use crate::{
    app::App,
    background,
    config::{self, Config, Limits, Log},
    demo::{
        apps::{self, Registration},
        describe, front, mailbox,
        world::{self, Made, catalogue},
    },
    router::router_with,
    store::{self, Store},
};

/// The product apps' ports, if nobody has them.
const FIRST_APP_PORT: u16 = 8081;

#[derive(Args)]
pub struct Arguments {
    /// Where the data lies; kept, and used again
    #[arg(long, default_value = "castellan-demo", value_name = "FOLDER")]
    dir: PathBuf,
    /// Forget what is there and start over
    #[arg(long)]
    reset: bool,
    /// Where the server listens; loopback only, since everybody's password is known
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// postgres://... or the path of an SQLite file; without it castellan.db in the folder
    #[arg(long, env = "CASTELLAN_DATABASE", hide_env_values = true, value_name = "URL")]
    database: Option<store::Url>,
    /// The URL that browsers use; without it http://localhost:PORT
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Write what a program needs to use the demo into this file, once everything answers
    #[arg(long, value_name = "FILE")]
    describe: Option<PathBuf>,
    /// Log directives
    #[arg(long, default_value = "warn", env = "CASTELLAN_LOG__LEVEL", value_name = "LEVEL")]
    log: String,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    ensure!(arguments.listen.ip().is_loopback(), "the demo listens on loopback only: everybody's password is known");
    logging::start(&Log { level: arguments.log.clone(), ..Log::default() })?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}: choose another address by --listen", arguments.listen))?;
    let listeners = app_listeners().await?;
    let origins = origins(&listeners)?;
    let config = configuration(&arguments, listener.local_addr()?).await?;
    let app = start::start(config).await?;
    let made = world::found_or_made(&app, &origins).await?;

    let mut products = JoinSet::new();
    for ((listener, registration), _) in listeners.into_iter().zip(registrations(&app, &made)).zip(catalogue::LISTED) {
        products.spawn(apps::serve(listener, registration));
    }
    let jobs = background::start(&app);
    let announcement = announce(app.clone(), made.clone(), arguments);
    products.spawn(announcement);
    let outcome = running::until_told(listener, service(&app, made), &app).await;
    products.shutdown().await;
    jobs.stop().await;
    app.stop().await;
    outcome
}

/// The server's router with the mailbox, behind the redirect to the one public URL.
fn service(app: &App, made: Made) -> Router {
    let mailbox = mailbox::routes(app, made);
    let lead = middleware::from_fn_with_state(app.clone(), front::lead_to_public_url);
    router_with(app.clone(), mailbox).layer(lead)
}

async fn configuration(arguments: &Arguments, listen: SocketAddr) -> anyhow::Result<Config> {
    let folder = &arguments.dir;
    if arguments.reset {
        reset(folder, arguments.database.as_ref()).await?;
    }
    make_private(folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    let key = folder.join(config::DEFAULT_MASTER_KEY_FILE);
    config::create_master_key(&key).with_context(|| format!("{} cannot be written", key.display()))?;
    let public_url = match &arguments.public_url {
        Some(url) => config::judge_public_url(url)?,
        None => config::judge_public_url(&format!("http://localhost:{}", listen.port()))?,
    };
    let database = arguments.database.clone().unwrap_or(store::Url::Sqlite(folder.join("castellan.db")));
    let master_keys = Arc::new(config::read_master_keys(&key)?);
    let mut config = Config::with_defaults(listen, public_url, database, master_keys);
    config.demo = true;
    // The product apps listen on loopback.
    config.allow_private_outbound = true;
    config.limits = Limits::demo();
    Ok(config)
}

/// Only ever a folder that a demo made, and only the files that it makes.
async fn reset(folder: &Path, database: Option<&store::Url>) -> anyhow::Result<()> {
    match database {
        Some(url @ store::Url::Postgres(_)) => Store::erase(url).await.context("the database cannot be erased")?,
        Some(store::Url::Sqlite(path)) => remove_database(path)?,
        None => {}
    }
    remove_database(&folder.join("castellan.db"))?;
    remove(&folder.join(config::DEFAULT_MASTER_KEY_FILE))
}

fn remove_database(path: &Path) -> anyhow::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        remove(Path::new(&name))?;
    }
    Ok(())
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", path.display()))
        }
        _ => Ok(()),
    }
}

/// For nobody else's eyes, whatever the umask.
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// 8081 and on where free, else ports of the system's choice.
async fn app_listeners() -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for offset in 0..u16::try_from(catalogue::LISTED.len())? {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST_APP_PORT + offset));
        let listener = match TcpListener::bind(wanted).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port for a product app")?,
        };
        listeners.push(listener);
    }
    Ok(listeners)
}

fn origins(listeners: &[TcpListener]) -> anyhow::Result<Vec<String>> {
    listeners.iter().map(|listener| Ok(format!("http://{}", listener.local_addr()?))).collect()
}

fn registrations(app: &App, made: &Made) -> Vec<Registration> {
    let registration = |(listed, url): (&catalogue::Listed, &String)| {
        let client_id = format!("{}-web", listed.slug);
        Registration {
            name: listed.name.to_owned(),
            tagline: listed.tagline.to_owned(),
            slug: listed.slug.to_owned(),
            colour: listed.colour.to_owned(),
            issuer: app.config.issuer().to_owned(),
            client_secret: made.secret_of(&client_id).unwrap_or_default().to_owned(),
            client_id,
            audience: catalogue::audience(listed.slug),
            url: url.clone(),
        }
    };
    catalogue::LISTED.iter().zip(&made.apps).map(registration).collect()
}

/// Says what there is, once everything answers.
async fn announce(app: App, made: Made, arguments: Arguments) -> anyhow::Result<()> {
    let server = app.config.listen.to_string();
    let apps = made.apps.iter().map(|url| url.trim_start_matches("http://").to_owned());
    for address in apps.chain([server]) {
        answers(&address).await?;
    }
    if let Some(file) = &arguments.describe {
        let description = describe::description(&app, &made).await?;
        describe::write(file, &description).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    say(&describe::page(&app, &made, &arguments.dir));
    std::future::pending().await
}

/// Waits for the first byte of an answer.
async fn answers(address: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("HEAD /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    if stream.read(&mut [0; 16]).await? == 0 {
        bail!("{address} does not answer");
    }
    Ok(())
}
