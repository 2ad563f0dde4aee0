//! `lull token`: who may call. On the store itself when no server has it open, which is the way back
//! in for whoever lost every token; else through the API of the server that has.

use std::sync::Arc;

use awc::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::CliError;
use super::remote::Remote;
use crate::clock::{Clock, SystemClock};
use crate::metrics::Metrics;
use crate::model::{Account, By, Id, KeyHash, Token, TokenWish, random_key, token_text};
use crate::store::{Changed, Configure, Event, Journal, Listener, Refusal, Store, StoreError};

#[derive(Args, Debug)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token; it alone is printed to standard output, this once
    Create(CreateArgs),
    /// List tokens, never what they are
    List {
        #[command(flatten)]
        remote: Remote,
        /// Account to list
        #[arg(long)]
        account: Option<String>,
    },
    /// Revoke a token, at once
    Revoke {
        #[command(flatten)]
        remote: Remote,
        /// Its id, as the list shows it
        id: String,
    },
}

#[derive(Args, Debug)]
struct CreateArgs {
    #[command(flatten)]
    remote: Remote,
    /// What people are to call it
    #[arg(long)]
    name: String,
    /// admin, owner, producer, viewer or operator; may be given more than once
    #[arg(long = "role", required = true)]
    roles: Vec<String>,
    /// Workspace that an owner owns; may be given more than once
    #[arg(long = "workspace")]
    workspaces: Vec<String>,
    /// From when on it opens nothing, like 90d [default: never]
    #[arg(long)]
    expires_in: Option<String>,
    /// Account it opens [default: default]
    #[arg(long)]
    account: Option<String>,
}

impl TokenCommand {
    fn remote(&self) -> &Remote {
        match self {
            TokenCommand::Create(create) => &create.remote,
            TokenCommand::List { remote, .. } | TokenCommand::Revoke { remote, .. } => remote,
        }
    }
}

impl CreateArgs {
    /// The same as the API takes it.
    fn wish(&self) -> Value {
        let mut wish =
            json!({"name": self.name, "roles": self.roles, "workspaces": self.workspaces});
        for (name, value) in [("expires_in", &self.expires_in), ("account", &self.account)] {
            if let Some(value) = value {
                wish[name] = value.as_str().into();
            }
        }
        wish
    }
}

/// Runs the command.
pub async fn run(args: TokenArgs) -> Result<(), CliError> {
    let remote = args.command.remote();
    let opened = Opened::at(remote)?;
    match (&args.command, opened) {
        (TokenCommand::Create(create), Some(opened)) => {
            println!("{}", opened.create(create).await?);
            eprintln!("made; it is shown this once");
        }
        (TokenCommand::Create(create), None) => {
            let made = remote.call(Method::POST, "/tokens", Some(&create.wish())).await?;
            println!("{}", made["token"].as_str().unwrap_or_default());
            eprintln!(
                "made, with id {}; it is shown this once",
                made["id"].as_str().unwrap_or("?")
            );
        }
        (TokenCommand::List { account, .. }, Some(opened)) => {
            print_table(&opened.list(account.as_deref())?);
        }
        (TokenCommand::List { account, .. }, None) => {
            let of = account.as_ref().map(|id| format!("&account={id}")).unwrap_or_default();
            print_table(&remote.all(&format!("/tokens?limit=1000{of}")).await?);
        }
        (TokenCommand::Revoke { id, .. }, Some(opened)) => {
            opened.revoke(id).await?;
            eprintln!("revoked");
        }
        (TokenCommand::Revoke { id, .. }, None) => {
            remote.call(Method::DELETE, &format!("/tokens/{id}"), None).await?;
            eprintln!("revoked");
        }
    }
    Ok(())
}

/// A store that no server has open.
struct Opened {
    store: Arc<Store>,
    journal: Journal,
}

/// Nobody is running who would have to hear of it.
struct Nobody;

impl Listener for Nobody {
    fn committed(&mut self, _: Vec<Event>) {}
}

impl Opened {
    /// The store of the data folder; none when a server has it open, or when there is none.
    fn at(remote: &Remote) -> Result<Option<Opened>, CliError> {
        let folder = remote.data.join("store");
        if !folder.exists() {
            return Ok(None);
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        match Store::open(&folder, clock.now()) {
            Ok((store, writer, _)) => {
                let metrics = Arc::new(Metrics::new(clock.now()));
                let journal = Journal::inline(writer, clock, Box::new(Nobody), metrics);
                Ok(Some(Opened { store, journal }))
            }
            Err(StoreError::InUse(_)) => Ok(None),
            Err(error) => Err(CliError::Start(error.into())),
        }
    }

    async fn create(&self, create: &CreateArgs) -> Result<String, CliError> {
        let wish: TokenWish = serde_path_to_error::deserialize(create.wish())
            .map_err(|error| CliError::Argument(format!("{}: {}", error.path(), error.inner())))?;
        let expires_at = wish.check(SystemClock.now()).map_err(|faults| {
            let lines =
                faults.iter().map(|(pointer, message)| format!("{}: {message}", &pointer[1..]));
            CliError::Argument(lines.collect::<Vec<_>>().join("; "))
        })?;
        let account = self.account(create.account.as_deref())?;
        let text = token_text(&random_key().map_err(std::io::Error::from)?);
        let token = wish.token(account, KeyHash::of(&text), expires_at, "the command line");
        self.change(Configure::CreateToken(Box::new(token)), "account").await?;
        Ok(text)
    }

    fn list(&self, account: Option<&str>) -> Result<Vec<Value>, CliError> {
        let account = self.account(account)?;
        let config = self.store.config();
        let of_account = config.tokens().filter(|token| token.account == account);
        Ok(of_account.map(|token| self.row(token)).collect())
    }

    fn row(&self, token: &Token) -> Value {
        json!({
            "id": token.id, "name": token.name, "roles": token.roles, "workspaces": token.workspaces,
            "created_at": token.created_at, "expires_at": token.expires_at,
            "last_used_at": self.store.uses().of(token.id),
        })
    }

    async fn revoke(&self, id: &str) -> Result<(), CliError> {
        let id: Id = id.parse().map_err(|error| CliError::Argument(format!("id: {error}")))?;
        self.change(Configure::RevokeToken(id), "token").await.map(drop)
    }

    fn account(&self, id: Option<&str>) -> Result<Account, CliError> {
        let Some(id) = id else { return Ok(Account::DEFAULT) };
        let config = self.store.config();
        let found = config.account_named(id).map(|info| info.account);
        found.ok_or_else(|| CliError::Argument(format!("account: there is no account {id}")))
    }

    async fn change(&self, change: Configure, what: &str) -> Result<Changed, CliError> {
        let changed = self
            .journal
            .configure(change, By::default())
            .await
            .map_err(|error| CliError::Start(error.into()))?;
        changed.map_err(|refusal| {
            CliError::Argument(match refusal {
                Refusal::InUse(why) => format!("{what}: {why}"),
                _ => format!("{what}: there is no such {what}"),
            })
        })
    }
}

/// Columns as wide as what stands in them.
fn print_table(tokens: &[Value]) {
    let head = ["ID", "NAME", "ROLES", "WORKSPACES", "CREATED", "EXPIRES", "LAST USED"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(tokens.iter().map(|token| {
        let text = |name: &str| token[name].as_str().unwrap_or("-").escape_debug().to_string();
        let list = |name: &str| {
            let items = token[name].as_array().into_iter().flatten().filter_map(Value::as_str);
            let joined = items.collect::<Vec<_>>().join(",");
            if joined.is_empty() { "-".to_owned() } else { joined.escape_debug().to_string() }
        };
        [
            text("id"),
            text("name"),
            list("roles"),
            list("workspaces"),
            text("created_at"),
            text("expires_at"),
            text("last_used_at"),
        ]
    }));
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
