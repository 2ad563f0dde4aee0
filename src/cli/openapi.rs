//! `lull openapi`: prints the document of the API.

use std::io::{self, Write};

/// Prints it whole. Whoever closes the pipe has read enough.
pub fn run() -> io::Result<()> {
    let text = crate::web::openapi_text();
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
