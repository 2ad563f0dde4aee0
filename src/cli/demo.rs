//! `lull demo`.
use super::CliError;
pub async fn run(_once: bool) -> Result<(), CliError> {
    Err(CliError::Demo("x".into()))
}
