//! How far an attempt has come, and when. The HTTP client tells neither, so what it calls back into
//! (connector, stream, TLS) notes it here, beside the attempt's task.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;

use crate::clock::{Clock, Monotonic, SystemClock};
use crate::model::Timing;

/// Where an attempt is. On a connection that is used again, only the last two come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It waits for a connection to be free.
    #[default]
    Queued,
    /// The hook's name is being looked up.
    Resolving,
    /// A connection is being made.
    Connecting,
    /// It is being made secure, when it is to be.
    Securing,
    /// The request is on its way, or the answer.
    Sent,
}

/// What is known of an attempt that is being made.
#[derive(Debug, Default)]
pub struct Progress {
    stage: Cell<Stage>,
    /// When each stage but the first was reached.
    reached: [Cell<Option<Monotonic>>; 4],
    /// Who is being connected to, or was.
    pub peer: Cell<Option<SocketAddr>>,
    /// The first bytes that came over a new connection were those of TLS.
    pub looked_like_tls: Cell<bool>,
    /// The hook has closed the connection.
    pub closed: Cell<bool>,
    /// Set to have the connection in use closed rather than kept for another request.
    spent: RefCell<Option<Rc<Cell<bool>>>>,
    /// The hook asked for a client certificate, and there is none.
    pub lacked_certificate: Cell<bool>,
}

tokio::task_local! {
    static CURRENT: Rc<Progress>;
}

impl Progress {
    /// Runs `attempt` so that what it calls notes its progress here.
    pub async fn follow<T>(self: &Rc<Self>, attempt: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), attempt).await
    }

    /// Does `note` with the progress of the attempt that is being made here, if one is.
    pub fn note(note: impl FnOnce(&Progress)) {
        let _ = CURRENT.try_with(|progress| note(progress));
    }

    /// The attempt being made here has reached `stage`.
    pub fn reach(stage: Stage) {
        Progress::note(|progress| {
            progress.stage.set(stage);
            if let Some(index) = (stage as usize).checked_sub(1) {
                progress.reached[index].set(Some(SystemClock.monotonic()));
            }
        });
    }

    /// The request goes over the connection that `spent` belongs to.
    pub fn used(&self, spent: &Rc<Cell<bool>>) {
        let mut known = self.spent.borrow_mut();
        if known.as_ref().is_none_or(|known| !Rc::ptr_eq(known, spent)) {
            *known = Some(spent.clone());
        }
    }

    /// The connection in use is not to be used again.
    pub fn spend_connection(&self) {
        if let Some(spent) = &*self.spent.borrow() {
            spent.set(true);
        }
    }

    /// Where the attempt is.
    pub fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// How long each stage took of an attempt that ends now.
    pub fn timing(&self, is_https: bool) -> Timing {
        let now = SystemClock.monotonic();
        let [resolving, connecting, securing, sent] = &self.reached;
        let ms = |from: &Cell<Option<Monotonic>>, to: Option<Monotonic>| {
            // A stage that was not left took until now.
            let taken = to.unwrap_or(now).saturating_sub(from.get()?);
            Some(u32::try_from(taken.as_millis()).unwrap_or(u32::MAX))
        };
        Timing {
            resolve_ms: ms(resolving, connecting.get()),
            connect_ms: ms(connecting, securing.get()),
            tls_ms: ms(securing, sent.get()).filter(|_| is_https),
            wait_ms: ms(sent, None),
        }
    }
}
