//! `/backup`: a copy of all that the server holds, of every account, while it goes on.

use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use futures_util::Stream;

use super::auth::Caller;
use super::params::Params;
use super::{Api, Problem, strangers};
use crate::model::{ExternalId, Extra, SecurityDraft, Success, User};
use crate::store::Backup;

pub fn resource() -> Resource {
    super::resource("/backup").route(web::post().to(post))
}

/// Takes a copy of everything: all accounts, with their secrets and the hashes of their tokens.
///
/// `lull backup` makes a folder of the answer that a server can be started on. It is the store as it was
/// between two commits, after everything that had been acknowledged when the call came. One copy can be
/// taken at a time. An answer that ends without its last frame was cut.
#[utoipa::path(
    post,
    path = "/backup",
    operation_id = "backup",
    tag = "Server",
    responses(
        (status = 200, description = "The copy, in a format of Lull's own", body = Vec<u8>,
         content_type = "application/octet-stream"),
        (status = 409, description = "Another copy is being taken"),
    ),
)]
async fn post(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Params::of(&request, &[])?;
    let Some(backup) = Backup::begin(api.store.clone(), api.clock.monotonic()) else {
        return Err(Problem::conflict("another backup is being taken; wait for its end"));
    };
    log::info!("a backup is taken by {}", caller.token.name.escaped());
    // A full disk is no reason not to save what is on it.
    let event = event(&api, &caller, &request);
    if let Err(error) = api.journal.secure(caller.account, vec![event]).await {
        log::warn!("a backup could not be taken down as a security event: {error}");
    }
    Ok(HttpResponse::Ok().content_type("application/octet-stream").streaming(chunks(api, backup)))
}

/// The copy, piece by piece, each read when the one before it has been sent.
fn chunks(api: Data<Api>, backup: Backup) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    futures_util::stream::unfold((api, Some(backup)), |(api, backup)| async {
        let (mut backup, now) = (backup?, api.clock.monotonic());
        let read = web::block(move || (backup.next_chunk(now), backup)).await;
        match read {
            Ok((Some(chunk), backup)) => Some((Ok(chunk.into()), (api, Some(backup)))),
            Ok((None, _)) => None,
            Err(error) => Some((Err(error.into()), (api, None))),
        }
    })
}

/// Who took it, for the list of security events.
fn event(api: &Api, caller: &Caller, request: &HttpRequest) -> SecurityDraft {
    let by = strangers::by(api, request, Some(&caller.token));
    let user = by.token.map(|(id, name)| User {
        id: id.into(),
        name: Some(name.to_string()),
        email: None,
        created_at: None,
        updated_at: None,
        extra: Extra::new(),
    });
    SecurityDraft {
        id: None,
        action: ExternalId::new("backup.created").expect("invariant: short, and not empty"),
        created_at: None,
        user,
        ip: by.ip,
        user_agent: by.user_agent,
        target: None,
        outcome: Success::Success,
        severity: None,
        description: None,
        details: Extra::new(),
    }
}
