//! ICMP: five echo requests by an unprivileged datagram socket, which Linux allows to the groups in `net.ipv4.ping_group_range`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, connect, ipproto, recv, send, socket_with,
};

use super::{Outcome, Question, Waiting};

/// Why this host sends no pings.
pub const REFUSED: &str =
    "this host's kernel does not let the agent ping: set net.ipv4.ping_group_range to include the agent's group";

/// Source: nezha specification, 8.3.
const REQUESTS: u16 = 5;
/// As often as others let people without rights do it.
const EVERY: Duration = Duration::from_millis(200);
/// How long answers are waited for after the last request once there is one: at least, and in multiples of the slowest.
const STRAGGLERS: Duration = Duration::from_secs(1);
const PAYLOAD: &[u8; 16] = b"edgewatch probe\0";

/// Echo requests on their way.
pub struct Ping {
    socket: OwnedFd,
    is_v6: bool,
    /// When each was sent, and how long its answer took.
    sent: Vec<(Instant, Option<Duration>)>,
    limit: Instant,
    /// What the network said of the first that did not arrive.
    error: Option<String>,
    /// Requests that did not even leave the host.
    unsent: u16,
}

impl Ping {
    /// A socket for this address.
    ///
    /// # Errors
    /// In words for people; [`REFUSED`] where the kernel does not allow it.
    pub fn begin(address: IpAddr, limit: Instant) -> Result<Self, String> {
        let is_v6 = address.is_ipv6();
        let (family, protocol, any) = if is_v6 {
            (AddressFamily::INET6, ipproto::ICMPV6, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)))
        } else {
            (AddressFamily::INET, ipproto::ICMP, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
        };
        let words = |error: Errno| match error {
            Errno::ACCESS | Errno::PERM => REFUSED.to_owned(),
            Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT => "this host's kernel has no ping sockets".to_owned(),
            error => super::dial::words(&error.into()),
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(family, SocketType::DGRAM, flags, Some(protocol)).map_err(words)?;
        // The kernel gives the identifier; only answers to it, from the peer, come in.
        bind(&socket, &any).map_err(words)?;
        connect(&socket, &SocketAddr::new(address, 0)).map_err(words)?;
        Ok(Self { socket, is_v6, sent: Vec::with_capacity(REQUESTS.into()), limit, error: None, unsent: 0 })
    }

    fn send_due(&mut self, now: Instant) {
        while self.sent.len() < REQUESTS.into() && self.next_send().is_none_or(|at| at <= now) {
            let number = u16::try_from(self.sent.len()).unwrap_or(0);
            let mut packet = [0_u8; 8 + PAYLOAD.len()];
            // Type; code, checksum and identifier are the kernel's.
            packet[0] = if self.is_v6 { 128 } else { 8 };
            packet[6..8].copy_from_slice(&number.to_be_bytes());
            packet[8..].copy_from_slice(PAYLOAD);
            let at = Instant::now();
            if let Err(error) = send(&self.socket, &packet, SendFlags::empty()) {
                self.note(error);
                self.unsent += 1;
            }
            self.sent.push((at, None));
        }
    }

    fn next_send(&self) -> Option<Instant> {
        self.sent.last().map(|(at, _)| *at + EVERY)
    }

    fn receive(&mut self) {
        let mut packet = [0_u8; 128];
        loop {
            match recv(&self.socket, &mut packet[..], RecvFlags::empty()) {
                Ok((length, _)) => {
                    let at = Instant::now();
                    let answer = if self.is_v6 { 129 } else { 0 };
                    let Some([kind, _, _, _, _, _, high, low]) = packet[..length.min(packet.len())].first_chunk::<8>()
                    else {
                        continue;
                    };
                    let number = usize::from(u16::from_be_bytes([*high, *low]));
                    if let Some((sent, delay @ None)) = self.sent.get_mut(number)
                        && *kind == answer
                    {
                        *delay = Some(at.duration_since(*sent));
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // What the network says of a request that did not arrive.
                Err(error) => {
                    self.note(error);
                    return;
                }
            }
        }
    }

    fn note(&mut self, error: Errno) {
        self.error.get_or_insert_with(|| super::dial::words(&error.into()));
    }

    fn delays(&self) -> impl Iterator<Item = Duration> {
        self.sent.iter().filter_map(|(_, delay)| *delay)
    }

    /// When nothing more is waited for.
    fn give_up_at(&self) -> Instant {
        match (self.sent.len() == usize::from(REQUESTS), self.sent.last(), self.delays().max()) {
            (true, Some((last, _)), Some(slowest)) => (*last + STRAGGLERS.max(slowest * 2)).min(self.limit),
            _ => self.limit,
        }
    }

    fn outcome(&self) -> Outcome {
        let count = u32::try_from(self.delays().count()).unwrap_or(0);
        match self.delays().sum::<Duration>().checked_div(count) {
            Some(mean) => Outcome { delay: Some(mean), ..Outcome::default() },
            None => Outcome::failed(self.error.clone().unwrap_or_else(|| "no answer to five echo requests".to_owned())),
        }
    }
}

impl Question for Ping {
    fn waiting(&self) -> Waiting<'_> {
        let is_all_sent = self.sent.len() == usize::from(REQUESTS);
        let next = self.next_send().filter(|_| !is_all_sent);
        let until = next.map_or(self.give_up_at(), |next| next.min(self.limit));
        Waiting { socket: Some((self.socket.as_fd(), PollFlags::IN)), until }
    }

    fn go_on(&mut self, now: Instant) -> Option<Outcome> {
        self.receive();
        self.send_due(now);
        let is_all_answered =
            self.sent.len() == usize::from(REQUESTS) && self.sent.iter().all(|(_, delay)| delay.is_some());
        (is_all_answered || self.unsent == REQUESTS || now >= self.give_up_at()).then(|| self.outcome())
    }
}
