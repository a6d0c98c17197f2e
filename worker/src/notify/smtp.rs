//! Mail over the platform's sockets: the conversation is pure, see `core::notify::smtp`; this carries it.

use edgewatch_core::notify::smtp::{Action, Ended, Session};
use edgewatch_core::notify::{OutgoingMail, Security};

use crate::platform::outbound;
use crate::platform::tcp::{Connection, Privacy};

/// How long a server may take for all of it: longer than a receiver of HTTP, for some greet slowly on purpose.
const TIMEOUT_MS: u64 = 20_000;
/// How long the end of a connection is waited for.
const CLOSE_TIMEOUT_MS: u64 = 1_000;

/// Hands a mail over and says what became of it. `hello` is the host's name that we give as ours.
pub async fn send(mail: &OutgoingMail, hello: &str) -> Ended {
    let mut session = Session::new(mail, hello);
    // Out here, so that it is closed when the time is up in mid-conversation.
    let mut connection = None;
    let outcome = outbound::within(TIMEOUT_MS, converse(&mut session, mail, &mut connection)).await;
    if let Some(connection) = connection {
        outbound::within(CLOSE_TIMEOUT_MS, connection.close()).await;
    }
    let words = match outcome {
        Some(Ok(ended)) => return ended,
        Some(Err(words)) => words,
        None => format!("no answer within {} s", TIMEOUT_MS / 1000),
    };
    match session.broken(&words) {
        Action::End(ended) => ended,
        Action::Wait | Action::Send(_) | Action::Secure => {
            Ended { is_taken: false, code: None, words, refused: Vec::new() }
        }
    }
}

/// Whether its end comes in a reading or a writing, with or without notice, is chance.
fn lost(words: &str) -> String {
    format!("the server hung up: {words}")
}

async fn converse(
    session: &mut Session<'_>,
    mail: &OutgoingMail,
    slot: &mut Option<Connection>,
) -> Result<Ended, String> {
    let privacy = match mail.security {
        Security::Tls => Privacy::Tls,
        Security::StartTls => Privacy::Later,
        Security::None => Privacy::None,
    };
    let mut connection = slot.insert(Connection::open(&mail.host, mail.port, privacy).await?);
    loop {
        let bytes = connection.read().await.map_err(|words| lost(&words))?;
        if bytes.is_empty() {
            return Err("the server hung up".to_owned());
        }
        match session.feed(&bytes) {
            Action::Wait => {}
            Action::Send(text) => connection.write(&text).await.map_err(|words| lost(&words))?,
            Action::Secure => {
                let Some(plain) = slot.take() else { return Err("there is no connection".to_owned()) };
                connection = slot.insert(plain.secure().await?);
                connection.write(&session.secured()).await.map_err(|words| lost(&words))?;
            }
            Action::End(ended) => {
                // Good manners alone: the mail is taken or refused by now.
                drop(connection.write("QUIT\r\n").await);
                return Ok(ended);
            }
        }
    }
}
