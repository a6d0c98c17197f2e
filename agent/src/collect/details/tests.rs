use super::*;
use crate::collect::memory;

fn details() -> (Details, Vec<u8>, Failures, Disk) {
    (Details::new(Vec::new()), vec![0; 4096], Failures::default(), Disk::new(Vec::new()))
}

fn told(tell: impl FnOnce(&mut Details)) -> Vec<(String, f64)> {
    let mut details = Details::new(Vec::new());
    tell(&mut details);
    details.found.into_iter().map(|one| (one.name.to_string(), one.value)).collect()
}

fn named(pairs: &[(&str, f64)]) -> Vec<(String, f64)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

#[test]
fn memory_is_told_as_its_kernel_counts_it() {
    let text = "MemTotal: 8000 kB\nMemFree: 1000 kB\nMemAvailable: 5000 kB\nBuffers: 200 kB\nCached: 3000 kB\nSwapCached: 7 kB\n\
        SwapTotal: 2000 kB\nSwapFree: 1500 kB\nShmem: 50 kB\nSReclaimable: 300 kB\n";
    let memory = memory::parse(text).unwrap();
    let new = [
        ("memory.total", 8_192_000.0),
        ("memory.used", 3_072_000.0),
        ("memory.mem_available", 5_120_000.0),
        ("memory.swap_total", 2_048_000.0),
        ("memory.swap_free", 1_536_000.0),
        ("memory.swap_cached", 7_168.0),
    ];
    assert_eq!(told(|details| details.tell_memory(&memory)), named(&new));
    let memory = memory::parse(&text.replace("MemAvailable: 5000 kB\n", "")).unwrap();
    let old = [
        ("memory.total", 8_192_000.0),
        ("memory.used", 3_891_200.0),
        ("memory.free", 1_024_000.0),
        ("memory.buffers", 204_800.0),
        ("memory.cached", 3_072_000.0),
        ("memory.swap_total", 2_048_000.0),
        ("memory.swap_free", 1_536_000.0),
        ("memory.swap_cached", 7_168.0),
    ];
    assert_eq!(told(|details| details.tell_memory(&memory)), named(&old), "total less free, buffers and cached");
}

#[test]
fn loads_are_those_of_the_sample() {
    let load = Load { one: 0.5, five: 4.23, fifteen: 3.0 };
    let expected = [("loadavg1", 0.5), ("loadavg5", 4.23), ("loadavg15", 3.0)];
    assert_eq!(told(|details| details.tell_load(&load)), named(&expected));
}

#[test]
fn the_loopback_and_ends_of_pairs_are_left_out_unless_they_are_chosen() {
    let worth = |allowed: &[&str]| {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let names = ["lo", "eth0", "veth1a", "docker0", "br-9", "lo0", "wlo1"];
        names.into_iter().filter(|name| is_worth_it(name, &allowed)).collect::<Vec<_>>()
    };
    assert_eq!(worth(&[]), ["eth0", "docker0", "br-9", "lo0", "wlo1"]);
    assert_eq!(worth(&["veth1a", "lo"]), ["lo", "veth1a"]);
}

#[test]
fn a_look_without_a_time_before_tells_only_what_needs_none() {
    let (mut details, mut buffer, mut failures, mut disk) = details();
    disk.read(&mut buffer, std::time::Instant::now()).unwrap();
    let memory = memory::MemoryFile::default().read(&mut buffer).ok();
    let load = Load { one: 0.5, five: 0.5, fifteen: 0.5 };
    let mut names = |elapsed| -> Vec<String> {
        let found = details.read(&mut buffer, &mut failures, (Some(load), memory, &mut disk), elapsed);
        found.iter().map(|one| one.name.to_string()).collect()
    };
    let first = names(Some(Duration::from_mins(1)));
    assert!(first.contains(&"memory.total".to_owned()) && first.contains(&"loadavg15".to_owned()), "{first:?}");
    let needs_time = |name: &String| [".delta", ".percentage"].iter().any(|end| name.ends_with(end));
    assert!(!first.iter().any(needs_time), "{first:?}");
    // Two ticks of the slowest clock, so that the processors' time has passed.
    std::thread::sleep(Duration::from_millis(40));
    let second = names(Some(Duration::from_millis(60)));
    assert!(second.contains(&"cpu.idle.percentage".to_owned()), "{second:?}");
    assert!(!names(None).iter().any(needs_time));
}

#[test]
fn a_minute_needs_no_more_room_than_the_one_before() {
    let (mut details, mut buffer, mut failures, mut disk) = details();
    disk.read(&mut buffer, std::time::Instant::now()).unwrap();
    let mut room = |details: &mut Details| {
        let found = details.read(&mut buffer, &mut failures, (None, None, &mut disk), Some(Duration::from_mins(1)));
        let names: Vec<*const u8> = found.iter().map(|one| one.name.as_ptr()).collect();
        (names, details.found.capacity(), buffer.capacity())
    };
    room(&mut details);
    std::thread::sleep(Duration::from_millis(40));
    let second = room(&mut details);
    std::thread::sleep(Duration::from_millis(40));
    assert_eq!(room(&mut details), second, "the same names at the same places, the same buffers");
}
