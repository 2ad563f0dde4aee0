//! As much HTTP/1.1 as load and receiver need, which is little: a message is a head up to an empty
//! line and a body of `content-length` bytes. Lull's answers and its webhooks are all like that;
//! anything else is an error, not a wrong figure.

use std::io::{self, ErrorKind};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most bytes of a head.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// The most bytes of a body. The answer to a batch lists its ids.
const BODY_BYTES_MAX: usize = 4 << 20;
/// Room for a message of the usual size.
const BUFFER_BYTES: usize = 16 << 10;

/// One side of a connection that is kept alive: messages come in, bytes go out.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How many bytes of the buffer belong to the message that was returned last.
    taken: usize,
}

/// A message that came in.
pub struct Message<'a> {
    /// Its first line and its headers.
    head: &'a str,
    /// Its body.
    pub body: &'a [u8],
}

impl Connection {
    /// Works on `stream` from here on.
    pub fn new(stream: TcpStream) -> Connection {
        Connection { stream, buffer: Vec::with_capacity(BUFFER_BYTES), taken: 0 }
    }

    /// Sends all of `bytes`.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next message; none when the other side has closed the connection after the last.
    pub async fn receive(&mut self) -> io::Result<Option<Message<'_>>> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let head_bytes = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(invalid("a head without an end"));
            }
            match self.read_more().await {
                Err(error)
                    if error.kind() == ErrorKind::UnexpectedEof && self.buffer.is_empty() =>
                {
                    return Ok(None);
                }
                more => more?,
            }
        };
        let bytes = head_bytes + body_bytes(text(&self.buffer[..head_bytes])?)?;
        while self.buffer.len() < bytes {
            self.read_more().await?;
        }
        self.taken = bytes;
        let (head, body) = self.buffer[..bytes].split_at(head_bytes);
        Ok(Some(Message { head: text(head)?, body }))
    }

    async fn read_more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

impl Message<'_> {
    /// The status code of an answer.
    pub fn status(&self) -> io::Result<u16> {
        status(self.head)
    }

    /// The value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        headers(self.head)
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// The status code in an answer's head.
pub fn status(head: &str) -> io::Result<u16> {
    let code = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    code.ok_or_else(|| invalid("not the head of an answer"))
}

fn headers(head: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = head.split("\r\n").skip(1);
    lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()))
}

/// How long the body is that follows `head`.
fn body_bytes(head: &str) -> io::Result<usize> {
    let mut bytes = 0;
    for (name, value) in headers(head) {
        if name.eq_ignore_ascii_case("content-length") {
            bytes = value.parse().map_err(|_| invalid("a content-length that is no number"))?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(invalid("a body without a content-length"));
        }
    }
    if bytes > BODY_BYTES_MAX { Err(invalid("a body that is too long")) } else { Ok(bytes) }
}

fn text(bytes: &[u8]) -> io::Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| invalid("a head that is not text"))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
