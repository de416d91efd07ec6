//! A connection in memory.

use core::fmt;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use futures::io::{AsyncRead, AsyncWrite};

use super::pipe::Pipe;
use crate::clock::ticks;
use crate::kernel::parking::Reason;
use crate::kernel::wait::Parked;
use crate::trace::Op;

/// Makes the two ends of a connection in memory: tokio's `io::duplex`, with the traits of
/// `futures::io`.
///
/// Each direction holds up to `max_buf_size` bytes that were written and not read; then a writer
/// waits.
///
/// # Panics
///
/// If `max_buf_size` is 0.
///
/// # Examples
///
/// ```
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
///
/// # sim::Sim::new().run(|| async {
/// let (mut client, mut server) = sim::io::duplex(64);
/// client.write_all(b"ping").await.unwrap();
/// let mut request = [0; 4];
/// server.read_exact(&mut request).await.unwrap();
/// assert_eq!(&request, b"ping");
///
/// drop(client);
/// assert_eq!(server.read(&mut request).await.unwrap(), 0); // the end
/// assert!(server.write(b"pong").await.is_err()); // a broken pipe
/// # }).unwrap();
/// ```
#[track_caller]
#[must_use]
pub fn duplex(max_buf_size: usize) -> (DuplexStream, DuplexStream) {
    assert!(max_buf_size > 0, "a duplex stream needs room for at least one byte");
    let there = Arc::new(Pipe::new(max_buf_size));
    let back = Arc::new(Pipe::new(max_buf_size));
    (DuplexStream::new(Arc::clone(&back), Arc::clone(&there)), DuplexStream::new(there, back))
}

/// One end of a connection in memory; see [`duplex`].
///
/// When it is dropped, the other end reads what was written, then the end; its writes fail with
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe). Closing it ends only its own writing.
///
/// # Cancel safety
///
/// A dropped `read` has read nothing, a dropped `write` has written nothing; `read_exact`,
/// `write_all` and their like may have done a part.
///
/// # Panics
///
/// When it has to wait outside a simulation.
pub struct DuplexStream {
    read: Half,
    write: Half,
}

/// A direction, and the wait at it.
struct Half {
    pipe: Arc<Pipe>,
    parked: Parked,
}

impl DuplexStream {
    #[track_caller]
    fn new(read: Arc<Pipe>, write: Arc<Pipe>) -> Self {
        Self {
            read: Half { pipe: read, parked: Parked::new() },
            write: Half { pipe: write, parked: Parked::new() },
        }
    }

    /// Makes the bytes that are written here readable only after some virtual time; so too the
    /// end. What is on its way takes room.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use futures::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # sim::Sim::new().run(|| async {
    /// let (client, mut server) = sim::io::duplex(64);
    /// let mut client = client.with_latency(Duration::from_millis(30));
    /// client.write_all(b"x").await.unwrap();
    /// assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
    /// assert_eq!(sim::now(), Duration::from_millis(30));
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn with_latency(self, latency: Duration) -> Self {
        self.write.pipe.set_latency(ticks(latency));
        self
    }

    /// Names the direction in which this end writes, for reports.
    #[must_use]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        self.write.pipe.set_name(name.as_ref());
        self
    }
}

impl AsyncRead for DuplexStream {
    #[track_caller]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let reason = Reason { what: "io::duplex", op: Op::ReadBytes, place: Location::caller() };
        let Half { pipe, parked } = &mut self.read;
        pipe.poll_read(parked, cx, buffer, reason)
    }
}

impl AsyncWrite for DuplexStream {
    #[track_caller]
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let reason = Reason { what: "io::duplex", op: Op::WriteBytes, place: Location::caller() };
        let Half { pipe, parked } = &mut self.write;
        pipe.poll_write(parked, cx, bytes, reason)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write.pipe.end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for DuplexStream {
    fn drop(&mut self) {
        self.read.pipe.leave_read(&mut self.read.parked);
        self.write.pipe.leave_write(&mut self.write.parked);
        self.write.pipe.end();
        self.read.pipe.abandon();
    }
}

impl fmt::Debug for DuplexStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DuplexStream").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "duplex_tests.rs"]
mod tests;
