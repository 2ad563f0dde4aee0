//! The administrator's token, which the first start makes; and the link to log in with, which every
//! start does.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use super::StartError;
use crate::clock::Timestamp;
use crate::model::{Account, By, ExternalId, Id, KeyHash, Role, Token, random_key, token_text};
use crate::store::{Configure, Journal, Store};
use crate::web::LoginCode;

/// Makes a token for the administrator when there is no token at all, and writes it to `file`.
pub async fn make_admin_token(
    store: &Store,
    journal: &Journal,
    file: &Path,
) -> Result<Option<String>, StartError> {
    if store.config().tokens().next().is_some() {
        return Ok(None);
    }
    let text = token_text(&random_key().map_err(std::io::Error::from)?);
    // The file first: a token that opens the door but stands nowhere would be lost for good.
    write_private(file, &text)
        .map_err(|source| StartError::Token { path: file.display().to_string(), source })?;
    let token = Token {
        // Given by the store.
        id: Id::default(),
        created_at: Timestamp::default(),
        account: Account::DEFAULT,
        name: ExternalId::new("admin").expect("invariant: a short name"),
        roles: vec![Role::Admin, Role::Operator],
        workspaces: Vec::new(),
        hash: KeyHash::of(&text),
        created_by: None,
        expires_at: None,
    };
    let made = journal.configure(Configure::CreateToken(Box::new(token)), By::default()).await?;
    debug_assert!(made.is_ok(), "the first account is there");
    Ok(Some(text))
}

/// For how long the login link of a start works.
const LINK_WORKS_FOR: Duration = Duration::from_secs(3600);

/// A code that opens the pages once, as whom the token in `file` stands for; none when that token is
/// gone.
pub fn login_code(store: &Store, file: &Path, now: Timestamp) -> (LoginCode, Option<String>) {
    let config = store.config();
    let text = super::read_token(file).ok();
    let token = text.and_then(|text| config.token_with(KeyHash::of(&text)));
    match (token, random_key()) {
        (Some(token), Ok(code)) => {
            (LoginCode::new(&code, token.id, now + LINK_WORKS_FOR), Some(code))
        }
        _ => (LoginCode::none(), None),
    }
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    // One that is left over from a crash may have another mode.
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
