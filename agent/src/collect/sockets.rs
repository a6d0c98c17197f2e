//! How many TCP and UDP sockets there are, from the kernel's own counts: the cost does not grow with the sockets.
//!
//! `ss` lists the same: TCP sockets that are bound or connected of both families, and those in TIME-WAIT, which the
//! kernel counts for both families together in `sockstat`.

use super::CollectError;
use super::kernel_file::KernelFile;

const SOCKSTAT: &str = "/proc/net/sockstat";
const SOCKSTAT6: &str = "/proc/net/sockstat6";

/// Sockets of both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sockets {
    /// TCP, listening and TIME-WAIT too.
    pub tcp: u64,
    /// UDP.
    pub udp: u64,
}

/// The two files, kept open.
#[derive(Debug)]
pub struct SocketFiles {
    both: KernelFile,
    v6: KernelFile,
}

impl Default for SocketFiles {
    fn default() -> Self {
        Self { both: KernelFile::new(SOCKSTAT), v6: KernelFile::new(SOCKSTAT6) }
    }
}

impl SocketFiles {
    /// The sockets now.
    ///
    /// # Errors
    /// [`CollectError::Unavailable`] and [`CollectError::Malformed`] of `/proc/net/sockstat`. A kernel without IPv6 has
    /// no second file; that is no error.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Result<Sockets, CollectError> {
        let mut sockets = parse(self.both.read(buffer)?)?;
        if let Ok(text) = self.v6.read(buffer) {
            let v6 = parse_v6(text)?;
            sockets.tcp += v6.tcp;
            sockets.udp += v6.udp;
        }
        Ok(sockets)
    }
}

/// The sockets in the text of `/proc/net/sockstat`.
///
/// # Errors
/// [`CollectError::Malformed`] when a count is missing.
pub fn parse(text: &str) -> Result<Sockets, CollectError> {
    let get = |line, key| value(text, line, key).ok_or(CollectError::Malformed { what: SOCKSTAT });
    Ok(Sockets { tcp: get("TCP:", "inuse")? + get("TCP:", "tw")?, udp: get("UDP:", "inuse")? })
}

/// The sockets in the text of `/proc/net/sockstat6`.
///
/// # Errors
/// [`CollectError::Malformed`] when a count is missing.
pub fn parse_v6(text: &str) -> Result<Sockets, CollectError> {
    let get = |line| value(text, line, "inuse").ok_or(CollectError::Malformed { what: SOCKSTAT6 });
    Ok(Sockets { tcp: get("TCP6:")?, udp: get("UDP6:")? })
}

fn value(text: &str, line: &str, key: &str) -> Option<u64> {
    let fields = text.lines().find_map(|candidate| candidate.strip_prefix(line))?;
    let mut fields = fields.split_ascii_whitespace();
    fields.find(|field| *field == key)?;
    fields.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = "sockets: used 412\nTCP: inuse 31 orphan 1 tw 214 alloc 57 mem 12\nUDP: inuse 9 mem 3\nUDPLITE: inuse 0\n\
        RAW: inuse 1\nFRAG: inuse 0 memory 0\n";
    const V6: &str = "TCP6: inuse 12\nUDP6: inuse 4\nUDPLITE6: inuse 0\nRAW6: inuse 1\nFRAG6: inuse 0 memory 0\n";

    #[test]
    fn waiting_sockets_count_once_for_both_families() {
        assert_eq!(parse(BOTH).unwrap(), Sockets { tcp: 245, udp: 9 });
        assert_eq!(parse_v6(V6).unwrap(), Sockets { tcp: 12, udp: 4 });
    }

    #[test]
    fn a_file_without_the_counts_is_malformed() {
        assert!(parse("sockets: used 412\n").is_err());
        assert!(parse_v6("TCP6: inuse\n").is_err());
    }
}
