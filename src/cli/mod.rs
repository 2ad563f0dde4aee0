//! The command line. Level 6: parses, starts, prints; owns what people read in a terminal.
//!
//! - `serve.rs`: the server, and what it says when it starts
//! - `demo.rs`: a server, a receiver and three people editing, to watch
//! - `listen.rs`: prints the webhooks that come in
//! - `backup.rs`: a copy of a running server
//! - `check.rs`: whether the store is whole
//! - `config.rs`: what is configured, as a file
//! - `token.rs`: tokens, made, listed and revoked
//! - `logging.rs`: the log, one line an event
//! - `remote.rs`: calling a running server
//! - `openapi.rs`: the document of the API
//! - `receiver.rs`: a local receiver of webhooks
//! - `summary.rs`: an audit as lines for people

mod backup;
mod check;
mod config;
mod demo;
mod listen;
mod logging;
mod open_files;
mod openapi;
mod receiver;
mod remote;
mod serve;
mod summary;
mod token;

use clap::{Args, Parser, Subcommand};
#[doc(hidden)] // for `tests/fuzz`
pub use config::{document_of, text_of};

use crate::app::StartError;
use crate::settings::{BadSetting, Given};

/// Activity webhooks that wait for the quiet.
#[derive(Debug, Parser)]
#[command(name = "lull", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Given,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (also without a command)
    Serve(Box<Given>),
    /// Watch three users edit, and one collated audit arrive
    Demo(DemoArgs),
    /// Print each webhook that comes in, and whether its signature verifies
    Listen(listen::ListenArgs),
    /// Make, list and revoke tokens
    Token(token::TokenArgs),
    /// Write what is configured as TOML, to keep it in a repository
    ExportConfig(config::ExportArgs),
    /// Read such a file in; what is not in it stays
    ImportConfig(config::ImportArgs),
    /// Copy all that a running server holds into a folder
    Backup(backup::BackupArgs),
    /// Read the whole store of a server that does not run, and say what is wrong with it
    Check(check::CheckArgs),
    /// Print the API's OpenAPI document
    Openapi,
}

#[derive(Args, Debug)]
struct DemoArgs {
    /// Exit after the first verified delivery
    #[arg(long)]
    once: bool,
}

/// Why a command ended badly. Its text is one line.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// An argument of the command cannot be used.
    #[error("{0}")]
    Argument(String),
    /// The server could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The address cannot be listened on.
    #[error("listen: cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The system refused something else.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
    /// The demo did not come to its end.
    #[error("the demo failed: {0}")]
    Demo(String),
}

impl Cli {
    /// Runs the command to its end.
    pub async fn run(self) -> Result<(), CliError> {
        match self.command {
            None => serve::run(self.settings).await,
            Some(Command::Serve(settings)) => serve::run(*settings).await,
            Some(Command::Demo(args)) => demo::run(args.once).await,
            Some(Command::Listen(args)) => listen::run(args).await,
            Some(Command::Token(args)) => token::run(args).await,
            Some(Command::ExportConfig(args)) => config::export(args).await,
            Some(Command::ImportConfig(args)) => config::import(args).await,
            Some(Command::Backup(args)) => backup::run(args).await,
            Some(Command::Check(args)) => check::run(&args),
            Some(Command::Openapi) => Ok(openapi::run()?),
        }
    }

    /// Starts the log.
    pub fn start_log(&self) {
        logging::start(self.default_log_level());
    }

    /// What is logged when `RUST_LOG` does not say.
    fn default_log_level(&self) -> &'static str {
        match self.command {
            // What these print is to be read undisturbed.
            None | Some(Command::Serve(_)) => "info,actix_server=warn",
            Some(_) => "warn",
        }
    }
}

/// The first `chars_max` characters of `text`.
fn shorten(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
