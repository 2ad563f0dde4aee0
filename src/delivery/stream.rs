//! A connection to a hook, as TCP gives it; looks at the first bytes that come, to be able to say
//! when a hook answers with TLS where plain HTTP was spoken, and can be told that it is spent.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::rt::net::{ActixStream, Ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::progress::Progress;

/// A connection to a hook.
#[derive(Debug)]
pub struct HookStream {
    tcp: TcpStream,
    looked: bool,
    /// It is not to be used again: what is still to come belongs to an answer that is done with. awc
    /// tries to read before it uses a connection again, and then finds an end.
    spent: Rc<Cell<bool>>,
}

impl HookStream {
    /// A connection that nothing has come over yet.
    pub fn new(tcp: TcpStream) -> Self {
        Self { tcp, looked: false, spent: Rc::default() }
    }
}

/// Whether bytes begin like a record of TLS: an alert or a handshake, of version 3.x.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 0x03, ..])
}

impl AsyncRead for HookStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.spent.get() {
            return Poll::Ready(Ok(()));
        }
        let before = into.filled().len();
        let read = Pin::new(&mut this.tcp).poll_read(context, into);
        let fresh = &into.filled()[before..];
        if fresh.is_empty() && into.remaining() > 0 && matches!(read, Poll::Ready(Ok(()))) {
            Progress::note(|progress| progress.closed.set(true));
        }
        if !this.looked && !fresh.is_empty() {
            this.looked = true;
            let tls = is_tls(fresh);
            Progress::note(|progress| progress.looked_like_tls.set(tls));
        }
        read
    }
}

impl AsyncWrite for HookStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        Progress::note(|progress| progress.used(&this.spent));
        Pin::new(&mut this.tcp).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        Progress::note(|progress| progress.used(&this.spent));
        Pin::new(&mut this.tcp).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}

impl ActixStream for HookStream {
    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.tcp, context)
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.tcp, context)
    }
}
