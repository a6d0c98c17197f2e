//! How hosts are written for a reader, as far as those know it who keep what was written and hand it on.

use super::Host;
use crate::failure::Failure;
use crate::units::UnixSeconds;

/// How lists of hosts are written for one kind of reader. A dialect says it; whoever has the hosts may then write them, keep the pieces,
/// and put lists together without knowing the dialect. In a list a comma stands between two hosts.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// What the Worker and the hub call it. Hosts that are written otherwise have another name: both may be about during a deployment.
    pub name: &'static str,
    /// Which hosts are in it at all.
    pub of: fn(&Host) -> bool,
    /// What a list begins with.
    pub before: &'static str,
    /// What it ends with.
    pub after: &'static str,
    /// Writes one host. Nothing but the host may decide what is written: a piece is good for as long as its host is the same.
    pub write: fn(Host) -> Result<Piece, Failure>,
    /// When a host was last seen, as a piece's gap has it.
    pub seen: fn(Option<UnixSeconds>) -> String,
}

/// What is written of one host, with a gap where it says when the host was last seen: with every sign of life that changes, and
/// nothing else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    before: Box<str>,
    after: Box<str>,
}

/// A list of hosts while it is written.
#[derive(Debug)]
pub struct Listing {
    form: &'static Form,
    bytes: Vec<u8>,
    is_empty: bool,
}

impl Form {
    /// The list of these hosts, in the order given.
    ///
    /// # Errors
    /// [`Failure::Internal`] when one of them cannot be written.
    pub fn list(&'static self, hosts: impl IntoIterator<Item = Host>) -> Result<Vec<u8>, Failure> {
        let mut listing = Listing::new(self, 0);
        for host in hosts.into_iter().filter(self.of) {
            let seen = (self.seen)(host.last_seen);
            let piece = (self.write)(host)?;
            listing.add(|bytes| piece.write_to(&seen, bytes));
        }
        Ok(listing.finish())
    }
}

impl Piece {
    /// What stands before the gap and what stands behind it.
    pub fn new(before: &str, after: &str) -> Self {
        Self { before: before.into(), after: after.into() }
    }

    /// How long it is, without what belongs into the gap.
    pub const fn len(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// Whether there is nothing but a gap.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes it, with `seen` in the gap.
    pub fn write_to(&self, seen: &str, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.before.as_bytes());
        bytes.extend_from_slice(seen.as_bytes());
        bytes.extend_from_slice(self.after.as_bytes());
    }
}

impl Listing {
    /// A list without hosts, with room for about so many bytes of them.
    pub fn new(form: &'static Form, room: usize) -> Self {
        let mut bytes = Vec::with_capacity(form.before.len() + room + form.after.len());
        bytes.extend_from_slice(form.before.as_bytes());
        Self { form, bytes, is_empty: true }
    }

    /// Adds the host that `write` writes.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if !self.is_empty {
            self.bytes.push(b',');
        }
        self.is_empty = false;
        write(&mut self.bytes);
    }

    /// The whole list.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(self.form.after.as_bytes());
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static FORM: Form = Form {
        name: "test",
        of: |_| true,
        before: "<",
        after: ">",
        write: |host| Ok(Piece::new("[", &format!(" {}]", host.id.0))),
        seen: |at| at.map_or(-1, |at| at.0).to_string(),
    };

    #[test]
    fn a_comma_stands_between_two_hosts_and_nowhere_else() {
        let text = |count: i64| {
            let mut listing = Listing::new(&FORM, 0);
            let piece = Piece::new("(", ")");
            (0..count).for_each(|seen| listing.add(|bytes| piece.write_to(&seen.to_string(), bytes)));
            String::from_utf8(listing.finish()).unwrap()
        };
        assert_eq!([text(0), text(1), text(3)], ["<>", "<(0)>", "<(0),(1),(2)>"]);
        assert_eq!(FORM.list([]).unwrap(), b"<>");
    }
}
