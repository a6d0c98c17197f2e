//! The push client: registers this agent with an openITCOCKPIT server and sends it each result.
//!
//! Source: openitcockpit specification, 1 and 2. What cannot be sent is lost, and the next result tries again, as in the original.

mod auth_file;
mod client;
mod reply;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::log;

pub use auth_file::AuthFile;
pub use client::Client;

/// Room for a handshake.
const STACK_BYTES: usize = 256 * 1024;

/// Where results are put to be sent. Of two that wait the newer one is sent.
#[derive(Debug, Default)]
pub struct Mailbox {
    mail: Mutex<Mail>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Mail {
    document: Option<Arc<[u8]>>,
    packages: Option<Arc<[u8]>>,
    is_stopping: bool,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a result sent.
    pub fn put_document(&self, document: Arc<[u8]>) {
        if self.lock().document.replace(document).is_some() {
            log::warn(format_args!("the server is slower than results come; one was left out"));
        }
        self.changed.notify_all();
    }

    /// Has an inventory sent.
    pub fn put_packages(&self, packages: Arc<[u8]>) {
        self.lock().packages = Some(packages);
        self.changed.notify_all();
    }

    /// What is to be sent, once there is something; `None` when it is time to end.
    fn take(&self) -> Option<Mail> {
        let is_idle = |mail: &mut Mail| mail.document.is_none() && mail.packages.is_none() && !mail.is_stopping;
        let waited = self.changed.wait_while(self.lock(), is_idle);
        let mut mail = waited.unwrap_or_else(PoisonError::into_inner);
        if mail.is_stopping { None } else { Some(std::mem::take(&mut *mail)) }
    }
}

/// The thread that sends; it ends when this is dropped, a push under way with it: what the server then answers must not be missed.
#[derive(Debug)]
pub struct Pusher {
    mailbox: Arc<Mailbox>,
    thread: Option<JoinHandle<()>>,
}

impl Pusher {
    /// Sends what is put into its mailbox.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn start(mut client: Client) -> std::io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let seen = Arc::clone(&mailbox);
        let thread = thread::Builder::new().name("push".to_owned()).stack_size(STACK_BYTES);
        let thread = thread.spawn(move || {
            while let Some(mail) = seen.take() {
                if let Some(document) = mail.document {
                    client.push_document(&document);
                }
                if let Some(packages) = mail.packages {
                    client.push_packages(&packages);
                }
            }
        })?;
        Ok(Self { mailbox, thread: Some(thread) })
    }

    /// Where to put what is to be sent.
    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        self.mailbox.lock().is_stopping = true;
        self.mailbox.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_results_that_wait_the_newest_is_sent_and_an_inventory_beside_it() {
        let mailbox = Mailbox::default();
        let put = |text: &str| mailbox.put_document(text.as_bytes().into());
        put("old");
        put("new");
        mailbox.put_packages(b"packages"[..].into());
        let mail = mailbox.take().unwrap();
        assert_eq!((mail.document.as_deref(), mail.packages.as_deref()), (Some(&b"new"[..]), Some(&b"packages"[..])));
        put("next");
        let mail = mailbox.take().unwrap();
        assert_eq!((mail.document.as_deref(), mail.packages), (Some(&b"next"[..]), None), "nothing is sent twice");
        mailbox.lock().is_stopping = true;
        assert!(mailbox.take().is_none());
    }
}
