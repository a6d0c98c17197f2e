//! Outgoing TCP and TLS connections. On Cloudflare they lead to no private address, to none of its own, and to no port 25.
//! Source: platform specification, 1.5.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use worker::{SecureTransport, Socket};

/// How much is read at a time.
const CHUNK_BYTES: usize = 4096;

/// How a connection is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// TLS from the first byte, the certificate verified for the host's name.
    Tls,
    /// Not at first; [`Connection::secure`] begins TLS.
    Later,
    /// Not at all.
    None,
}

/// A connection.
pub struct Connection(Socket);

impl Connection {
    /// Connects to a port of a host. With TLS it has begun when this comes back.
    ///
    /// # Errors
    /// What the runtime says; so for all that follow.
    pub async fn open(host: &str, port: u16, privacy: Privacy) -> Result<Self, String> {
        let transport = match privacy {
            Privacy::Tls => SecureTransport::On,
            Privacy::Later => SecureTransport::StartTls,
            Privacy::None => SecureTransport::Off,
        };
        let socket =
            Socket::builder().secure_transport(transport).connect(host, port).map_err(|error| words(&error))?;
        socket.opened().await.map_err(|error| words(&error))?;
        Ok(Self(socket))
    }

    /// The next bytes; none when the other side has ended.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn read(&mut self) -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; CHUNK_BYTES];
        let length = self.0.read(&mut bytes).await.map_err(|error| error.to_string())?;
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Sends all of this.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn write(&mut self, text: &str) -> Result<(), String> {
        self.0.write_all(text.as_bytes()).await.map_err(|error| error.to_string())?;
        self.0.flush().await.map_err(|error| error.to_string())
    }

    /// Begins TLS on a connection that was opened with [`Privacy::Later`], of which nothing is being read or written.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn secure(self) -> Result<Self, String> {
        let socket = self.0.start_tls();
        socket.opened().await.map_err(|error| words(&error))?;
        Ok(Self(socket))
    }

    /// Ends it. What goes wrong with that is of no interest.
    pub async fn close(mut self) {
        drop(self.0.close().await);
    }
}

fn words(error: &worker::Error) -> String {
    error.to_string()
}
