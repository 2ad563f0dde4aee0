//! The administrator's token, which the first start makes.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::StartError;
use crate::clock::Timestamp;
use crate::model::{Account, ExternalId, Id, Role, Token, TokenHash};
use crate::store::{Journal, Store};

/// Random bytes in a token.
const TOKEN_BYTES: usize = 32;

/// Makes a token for the administrator when there is no token at all, and writes it to `file`.
pub async fn make_admin_token(
    store: &Store,
    journal: &Journal,
    file: &Path,
) -> Result<Option<String>, StartError> {
    if !store.config().tokens.is_empty() {
        return Ok(None);
    }
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(std::io::Error::from)?;
    let text = format!("lull_{}", URL_SAFE_NO_PAD.encode(bytes));
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
        hash: TokenHash::of(&text),
    };
    journal.create_token(token).await?;
    Ok(Some(text))
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
