//! Delays against a network whose delays are known: a tunnel device in a user and network namespace of the test's own, behind which
//! packets are answered after as many milliseconds as the last number of the address says.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::ProbeList;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::ioctl::{Setter, ioctl, opcode};

use super::{list, no_roots};
use crate::probe::{Board, start};

/// Set where the test runs in its namespace.
const INSIDE: &str = "EDGEWATCH_TEST_INSIDE";
/// Set where the test has to be possible, as in CI.
const REQUIRED: &str = "EDGEWATCH_TEST_NAMESPACES";
const NAME: &str = "probe::tests::delay::delays_are_right_within_a_millisecond_and_two_percent";
const DEVICE: &str = "probe0";
/// The injected delays, ms.
const DELAYS: [u8; 4] = [2, 20, 100, 250];
/// A busy machine may hold up one result: so many are looked at, and one of them has to be right.
const TRIES: usize = 4;

#[test]
fn delays_are_right_within_a_millisecond_and_two_percent() {
    if std::env::var_os(INSIDE).is_some() {
        return measure();
    }
    let cannot = |why: &str| {
        assert!(std::env::var_os(REQUIRED).is_none(), "{why}");
        println!("NOT TRIED: delays against a network with known ones: {why}");
    };
    let program = std::env::current_exe().expect("a program has a path");
    let possible = Command::new("unshare").args(["-Urn", "true"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        return cannot("this machine makes no user and network namespaces (unshare -Urn)");
    }
    let inner = Command::new("unshare")
        .arg("-Urn")
        .arg(program)
        .args(["--exact", NAME, "--nocapture"])
        .env(INSIDE, "1")
        .output();
    let inner = inner.expect("unshare ran a moment ago");
    let (out, error) = (String::from_utf8_lossy(&inner.stdout), String::from_utf8_lossy(&inner.stderr));
    print!("{out}");
    if let Some(why) = out.lines().find_map(|line| line.strip_prefix("CANNOT: ")) {
        return cannot(why);
    }
    assert!(inner.status.success() && out.contains("1 passed"), "{out}\n{error}");
}

/// In the namespace.
fn measure() {
    if let Err(error) = fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0") {
        return println!("CANNOT: ping_group_range cannot be set here: {error}");
    }
    let device = match tunnel() {
        Ok(device) => device,
        Err(error) => return println!("CANNOT: no tunnel device can be made here: {error}"),
    };
    let seen: Injected = Arc::default();
    let of_thread = Arc::clone(&seen);
    thread::spawn(move || answer(device, &of_thread));
    let mut left: Vec<(u8, u8)> = DELAYS.iter().flat_map(|ms| [(2, *ms), (3, *ms)]).collect();
    let mut worst = Vec::new();
    for _ in 0..TRIES {
        let target = |(kind, ms): &(u8, u8)| {
            (
                *kind,
                if *kind == 2 { format!("10.99.0.{ms}") } else { format!("10.99.0.{ms}:{}", 1_000 + u16::from(*ms)) },
            )
        };
        let targets: Vec<(u8, String)> = left.iter().map(target).collect();
        seen.lock().expect("nobody panics").clear();
        let board = Arc::new(Board::new().expect("a file is free"));
        start(&board, 7, no_roots());
        board.set(list(&targets));
        let mut found = BTreeMap::new();
        let begun = Instant::now();
        while found.len() < targets.len() {
            assert!(begun.elapsed() < Duration::from_secs(40), "{found:?}");
            found.extend(board.take().into_iter().map(|result| (result.id, (result.delay_ms, result.note))));
            thread::sleep(Duration::from_millis(5));
        }
        board.set(ProbeList::default());
        worst.clear();
        let injected = seen.lock().expect("nobody panics").clone();
        let mut again = Vec::new();
        for (one, (_, (delay_ms, note))) in left.iter().zip(&found) {
            let measured = delay_ms.unwrap_or_else(|| panic!("{one:?}: {note:?}"));
            let held = &injected[one];
            let expected = held.iter().sum::<f64>() / f64::from(u16::try_from(held.len()).expect("a few"));
            let error = (measured - expected).abs();
            let kind = if one.0 == 2 { "ICMP" } else { "TCP" };
            println!("{kind}: {} ms wanted, {expected:.2} ms injected, {measured:.2} ms measured", one.1);
            if error > 1.0 + expected * 0.02 {
                worst.push(format!("{kind}: {expected:.2} ms injected, {measured:.2} ms measured"));
                again.push(*one);
            }
        }
        left = again;
        if left.is_empty() {
            return;
        }
    }
    panic!("{worst:?}");
}

/// How long answers were held back, ms, by the kind of the probe and the delay wanted.
type Injected = Arc<Mutex<BTreeMap<(u8, u8), Vec<f64>>>>;

/// A tunnel device with the address 10.99.0.254.
fn tunnel() -> io::Result<File> {
    let device = File::options().read(true).write(true).open("/dev/net/tun")?;
    attach(&device)?;
    for arguments in [&["addr", "add", "10.99.0.254/24", "dev", DEVICE][..], &["link", "set", DEVICE, "up"]] {
        let output = Command::new("ip").args(arguments).output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
    }
    Ok(device)
}

#[expect(
    unsafe_code,
    reason = "the one request that makes a network device of a file; Source: linux/if_tun.h, netdevice(7)"
)]
fn attach(device: &File) -> io::Result<()> {
    /// `struct ifreq`: name and flags matter.
    #[repr(C)]
    struct Request {
        name: [u8; 16],
        flags: u16,
        rest: [u8; 22],
    }
    const TUN_WITHOUT_HEADER: u16 = 0x0001 | 0x1000;
    let mut name = [0; 16];
    name[..DEVICE.len()].copy_from_slice(DEVICE.as_bytes());
    let request = Request { name, flags: TUN_WITHOUT_HEADER, rest: [0; 22] };
    // SAFETY: TUNSETIFF reads one `struct ifreq`, which is what is passed.
    unsafe { ioctl(device, Setter::<{ opcode::write::<i32>(b'T', 202) }, Request>::new(request)) }?;
    Ok(())
}

/// An answer that waits: until when, since when, to which kind of probe with which delay, and what it is.
type Held = (Instant, Instant, (u8, u8), Vec<u8>);

/// Answers echo requests and the first packets of connections, each after its time.
fn answer(mut device: File, seen: &Injected) {
    let mut held: Vec<Held> = Vec::new();
    let mut packet = [0; 2048];
    loop {
        let next = held.iter().map(|(due, ..)| *due).min();
        let left = next.map(|due| due.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let is_ready = poll(&mut [PollFd::new(&device, PollFlags::IN)], timeout.as_ref()).is_ok_and(|ready| ready > 0);
        if is_ready {
            let came = Instant::now();
            let Ok(length) = device.read(&mut packet) else { return };
            if let Some((kind, reply)) = reply(&packet[..length]) {
                let ms = packet[19];
                held.push((came + Duration::from_millis(ms.into()), came, (kind, ms), reply));
            }
        }
        while let Some(at) = held.iter().position(|(due, ..)| *due <= Instant::now()) {
            let (_, came, what, reply) = held.swap_remove(at);
            if device.write_all(&reply).is_err() {
                return;
            }
            let held_ms = came.elapsed().as_secs_f64() * 1_000.0;
            seen.lock().expect("nobody panics").entry(what).or_default().push(held_ms);
        }
    }
}

/// What answers an IPv4 packet: an echo reply, or the second packet of a connection; and the kind of the probe.
fn reply(packet: &[u8]) -> Option<(u8, Vec<u8>)> {
    let is_v4 = packet.first()? >> 4 == 4;
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let protocol = *packet.get(9)?;
    let mut reply = packet.to_vec();
    let (source, destination) = (packet.get(12..16)?, packet.get(16..20)?);
    reply[12..16].copy_from_slice(destination);
    reply[16..20].copy_from_slice(source);
    match (is_v4, protocol) {
        // An echo request: the type changes, and the checksum with it.
        (true, 1) if *packet.get(header)? == 8 => {
            reply[header] = 0;
            reply[header + 2..header + 4].copy_from_slice(&[0, 0]);
            let sum = checksum(&[&reply[header..]]);
            reply[header + 2..header + 4].copy_from_slice(&sum.to_be_bytes());
            Some((2, reply))
        }
        // SYN alone: ports change places, and SYN and ACK come back without options.
        (true, 6) if *packet.get(header + 13)? & 0x3f == 0x02 => {
            let sequence = u32::from_be_bytes(packet.get(header + 4..header + 8)?.try_into().ok()?);
            let mut segment = [0; 20];
            segment[0..2].copy_from_slice(packet.get(header + 2..header + 4)?);
            segment[2..4].copy_from_slice(packet.get(header..header + 2)?);
            segment[4..8].copy_from_slice(&7_u32.to_be_bytes());
            segment[8..12].copy_from_slice(&sequence.wrapping_add(1).to_be_bytes());
            segment[12..16].copy_from_slice(&[5 << 4, 0x12, 0xff, 0xff]);
            let sum = checksum(&[destination, source, &[0, 6, 0, 20], &segment]);
            segment[16..18].copy_from_slice(&sum.to_be_bytes());
            reply.truncate(header);
            reply.extend(segment);
            let length = u16::try_from(reply.len()).ok()?;
            reply[2..4].copy_from_slice(&length.to_be_bytes());
            reply[10..12].copy_from_slice(&[0, 0]);
            let sum = checksum(&[&reply[..header]]);
            reply[10..12].copy_from_slice(&sum.to_be_bytes());
            Some((3, reply))
        }
        _ => None,
    }
}

/// The checksum of the Internet protocols. Every part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = words.map(|word| u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}
