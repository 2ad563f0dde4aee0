//! `lull export-config` and `import-config`: what is configured as a TOML file, for people who keep
//! it in a repository.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use awc::http::Method;
use clap::Args;
use serde_json::{Map, Value, json};

use super::CliError;
use super::remote::Remote;
use crate::model::IntegrationSpec;

#[derive(Args, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    remote: Remote,
    /// Write the signing secrets, hidden headers and client keys as well
    #[arg(long)]
    secrets: bool,
    /// File to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct ImportArgs {
    #[command(flatten)]
    remote: Remote,
    /// File to read, or - for standard input
    file: String,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Delete integrations that the file does not have
    #[arg(long)]
    prune: bool,
}

/// Writes what is configured.
pub async fn export(args: ExportArgs) -> Result<(), CliError> {
    let path = if args.secrets { "/config?secrets=true" } else { "/config" };
    let document = args.remote.call(Method::GET, path, None).await?;
    let text = text_of(&document).map_err(|error| {
        CliError::Argument(format!("the configuration cannot be written: {error}"))
    })?;
    let head = "# What is configured in Lull. `lull import-config` reads it in again.\n\n";
    match &args.output {
        None => print!("{head}{text}"),
        Some(file) => write(file, &format!("{head}{text}"), args.secrets).map_err(|error| {
            CliError::Argument(format!("output: cannot write {}: {error}", file.display()))
        })?,
    }
    Ok(())
}

/// What is configured, as people read it.
pub fn text_of(document: &Value) -> Result<String, toml::ser::Error> {
    let mut document = document.clone();
    let integrations = document.get_mut("integrations").and_then(Value::as_array_mut);
    integrations.into_iter().flatten().for_each(leave_defaults_out);
    toml::to_string_pretty(&document)
}

/// The document that such a text is, or the line where it is wrong and why.
pub fn document_of(text: &str) -> Result<Map<String, Value>, (usize, String)> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(0, |before| before.matches('\n').count() + 1);
        (line, error.message().replace('\n', " "))
    })
}

/// Writes a file; one with secrets only its owner may read.
fn write(path: &Path, text: &str, secret: bool) -> std::io::Result<()> {
    if secret && path.exists() {
        // One that is there may have another mode.
        std::fs::remove_file(path)?;
    }
    let mode = if secret { 0o600 } else { 0o644 };
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())
}

/// Leaves out what holds anyway, so that people can read the rest.
fn leave_defaults_out(integration: &mut Value) {
    let Some(members) = integration.as_object_mut() else { return };
    let least = json!({"name": "-", "kind": "activity", "hook_url": "-"});
    let least: IntegrationSpec =
        serde_json::from_value(least).expect("invariant: all that is needed");
    let defaults = serde_json::to_value(least).expect("invariant: plain data");
    let needed = ["name", "kind", "hook_url"];
    members
        .retain(|name, value| needed.contains(&name.as_str()) || defaults.get(name) != Some(value));
    let rows = members.get_mut("activities").and_then(Value::as_array_mut);
    for row in rows.into_iter().flatten().filter_map(Value::as_object_mut) {
        row.retain(|_, value| *value != json!([]) && *value != json!(false));
    }
}

/// Reads a file in.
pub async fn import(args: ImportArgs) -> Result<(), CliError> {
    let unreadable =
        |error| CliError::Argument(format!("file: cannot read {}: {error}", args.file));
    let text = match args.file.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()).map_err(unreadable)?,
        file => std::fs::read_to_string(file).map_err(unreadable)?,
    };
    let document = document_of(&text).map_err(|(line, wrong)| {
        CliError::Argument(format!("{}: line {line}: {wrong}", args.file))
    })?;
    let path = format!("/config?dry_run={}&prune={}", args.dry_run, args.prune);
    let done = args.remote.call(Method::PUT, &path, Some(&Value::Object(document))).await?;
    print_done(&done);
    Ok(())
}

fn print_done(done: &Value) {
    let would = if done["dry_run"] == true { "would be " } else { "" };
    for (key, sign) in [("created", "+"), ("updated", "~"), ("deleted", "-"), ("unchanged", " ")] {
        for item in done[key].as_array().into_iter().flatten() {
            let text = |name: &str| item[name].as_str().unwrap_or("?").escape_debug().to_string();
            println!("{sign} {} {} {would}{key}", text("what"), text("name"));
            if let Some(secret) = item["secret"].as_str().filter(|_| would.is_empty()) {
                println!("    signed with {secret}  (shown this once)");
            }
        }
    }
}
