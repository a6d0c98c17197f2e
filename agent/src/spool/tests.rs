use super::*;
use crate::testing::TestDirectory;

const LIMITS: Limits = Limits { samples: 1_000, bytes: 1 << 20 };

fn sample(number: u64) -> Sample {
    Sample { number, at_ms: i64::try_from(number).unwrap(), cpu_percent: Some(12.5), ..Sample::default() }
}

fn samples(numbers: impl IntoIterator<Item = u64>) -> Vec<Sample> {
    numbers.into_iter().map(sample).collect()
}

fn numbers(spool: &mut Spool, from: u64) -> Vec<u64> {
    spool.read(from, 10_000).into_iter().map(|sample| sample.number).collect()
}

#[test]
fn samples_survive_a_restart() {
    let directory = TestDirectory::new();
    let mut spool = Spool::open(directory.path(), LIMITS);
    assert!(spool.append(samples(5..=8).iter(), false));
    assert!(spool.note_next(9));

    let mut spool = Spool::open(directory.path(), LIMITS);

    assert_eq!((spool.oldest(), spool.held(), spool.next_number()), (Some(5), 4, 9));
    assert_eq!(spool.read(5, 100), samples(5..=8));
    assert_eq!(numbers(&mut spool, 7), [7, 8]);
    assert_eq!(spool.read(5, 2), samples(5..=6));
    assert_eq!(spool.read(7, 2), samples(7..=8));
}

#[test]
fn the_next_number_survives_an_empty_spool() {
    let directory = TestDirectory::new();
    let mut spool = Spool::open(directory.path(), LIMITS);
    spool.note_next(500);
    spool.note_next(501);
    let spool = Spool::open(directory.path(), LIMITS);
    assert_eq!((spool.held(), spool.next_number()), (0, 501));
}

#[test]
fn a_torn_tail_is_cut_and_the_next_sample_is_whole() {
    let directory = TestDirectory::new();
    let mut spool = Spool::open(directory.path(), LIMITS);
    spool.append(samples(1..=3).iter(), false);
    let path = directory.path().join(FILE);
    let text = std::fs::read(&path).unwrap();
    std::fs::write(&path, &text[..text.len() - 20]).unwrap();

    let mut spool = Spool::open(directory.path(), LIMITS);
    assert_eq!(spool.held(), 2);
    spool.append(samples(3..=4).iter(), false);

    let mut spool = Spool::open(directory.path(), LIMITS);
    assert_eq!(numbers(&mut spool, 1), [1, 2, 3, 4]);
}

#[test]
fn damage_in_the_middle_loses_that_sample_only() {
    let directory = TestDirectory::new();
    let mut spool = Spool::open(directory.path(), LIMITS);
    spool.append(samples(1..=5).iter(), false);
    let path = directory.path().join(FILE);
    let text = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
    let damaged: Vec<String> = text
        .lines()
        .map(|line| if line.starts_with("S 3 ") { line.replace("12.5", "99.9") } else { line.to_owned() })
        .collect();
    std::fs::write(&path, damaged.join("\n") + "\n").unwrap();

    let mut spool = Spool::open(directory.path(), LIMITS);

    assert_eq!(numbers(&mut spool, 1), [1, 2], "a report has no hole");
    assert_eq!(numbers(&mut spool, 3), [4, 5]);
    spool.forget(2, 6);
    assert_eq!(numbers(&mut spool, 3), [4, 5]);
    assert_eq!((spool.oldest(), spool.dropped()), (Some(4), 1));
}

#[test]
fn rubbish_is_no_reason_to_fail() {
    let directory = TestDirectory::new();
    std::fs::write(directory.path().join(FILE), [0xff, 0, b'\n', b'S', b' ', b'9']).unwrap();
    let mut spool = Spool::open(directory.path(), LIMITS);
    assert_eq!(spool.held(), 0);
    assert!(spool.append(samples(1..=1).iter(), false));
    assert_eq!(numbers(&mut spool, 1), [1]);
}

#[test]
fn a_full_spool_drops_its_oldest_and_counts_them() {
    let directory = TestDirectory::new();
    let mut spool = Spool::open(directory.path(), Limits { samples: 80, ..LIMITS });
    (1..=100).for_each(|number| assert!(spool.append(samples([number]).iter(), false)));

    assert!(spool.held() <= 80 && spool.held() >= 70, "held {}", spool.held());
    assert_eq!(spool.held() + spool.dropped(), 100);
    let oldest = spool.oldest().unwrap();
    assert_eq!(numbers(&mut spool, 1), (oldest..=100).collect::<Vec<_>>());
}

#[test]
fn the_file_stays_below_its_limit() {
    let directory = TestDirectory::new();
    let mut spool = Spool::open(directory.path(), Limits { bytes: 4_000, ..LIMITS });
    for number in 1..=500 {
        spool.append(samples([number]).iter(), false);
        assert!(std::fs::metadata(directory.path().join(FILE)).unwrap().len() <= 4_000);
    }
    assert!(spool.held() > 20);
}

#[test]
fn what_is_safe_is_forgotten_and_an_empty_file_gives_its_room_back() {
    let directory = TestDirectory::new();
    let mut spool = Spool::open(directory.path(), LIMITS);
    spool.append(samples(1..=50).iter(), false);
    spool.forget(20, 51);
    assert_eq!((spool.oldest(), spool.held()), (Some(21), 30));
    spool.forget(50, 60);
    assert_eq!(spool.held(), 0);
    assert!(std::fs::metadata(directory.path().join(FILE)).unwrap().len() < 64);
    assert_eq!(Spool::open(directory.path(), LIMITS).next_number(), 60);
}

#[test]
fn provisional_samples_stay_so_until_they_are_noted_final() {
    let directory = TestDirectory::new();
    let mut spool = Spool::open(directory.path(), LIMITS);
    spool.append(samples(1..=2).iter(), false);
    spool.append(samples(3..=5).iter(), true);
    assert_eq!(Spool::open(directory.path(), LIMITS).provisional_from(), Some(3));
    spool.note_next(6);
    assert_eq!(Spool::open(directory.path(), LIMITS).provisional_from(), None);
}

#[test]
fn renumbering_moves_what_is_provisional_and_keeps_what_is_not() {
    let directory = TestDirectory::new();
    let mut spool = Spool::open(directory.path(), LIMITS);
    spool.append(samples(10..=11).iter(), false);
    spool.append(samples(12..=14).iter(), true);
    spool.renumber(12, 100, true);

    let mut spool = Spool::open(directory.path(), LIMITS);
    assert_eq!(numbers(&mut spool, 0), [10, 11]);
    assert_eq!(numbers(&mut spool, 12), [112, 113, 114]);
    assert_eq!(spool.provisional_from(), None);

    spool.renumber(112, 5, false);
    assert_eq!(numbers(&mut spool, 0), [117, 118, 119]);
}

#[test]
fn a_directory_that_cannot_be_written_is_survived() {
    let directory = TestDirectory::new();
    let mut spool = Spool::open(&directory.path().join("not/there"), LIMITS);
    assert!(!spool.append(samples(1..=2).iter(), false));
    assert_eq!(spool.held(), 0);
    assert!(spool.read(1, 10).is_empty());
}
