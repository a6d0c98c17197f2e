//! The processors one by one, from `/proc/cpuinfo`; those that are alike are told of together.

use edgewatch_core::model::{Place, Processors};

/// The processors in the text of the file: none where it says nothing.
pub fn parse(text: &str) -> Vec<Processors> {
    let mut found: Vec<Processors> = Vec::new();
    for block in text.split("\n\n") {
        let Some((one, place)) = processor(block) else { continue };
        let is_alike = |known: &&mut Processors| {
            let place_less = |one: &Processors| Processors { mhz: None, places: Vec::new(), ..one.clone() };
            place_less(known) == place_less(&one)
        };
        match found.iter_mut().find(is_alike) {
            Some(known) => append(&mut known.places, place),
            None => found.push(Processors { places: vec![place], ..one }),
        }
    }
    found
}

/// One processor without its place, and that.
fn processor(block: &str) -> Option<(Processors, Place)> {
    let (mut one, mut place) = (Processors::default(), Place { count: 1, ..Place::default() });
    let mut is_processor = false;
    for line in block.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key.trim() {
            "processor" => is_processor = true,
            "vendor_id" => value.clone_into(&mut one.vendor),
            "cpu family" => value.clone_into(&mut one.family),
            "model" => value.clone_into(&mut one.model),
            "stepping" => value.clone_into(&mut one.stepping),
            "model name" => value.clone_into(&mut one.model_name),
            "cache size" => value.clone_into(&mut one.cache_size),
            "cpu MHz" => one.mhz = value.parse().ok(),
            "physical id" => place.package = value.parse().ok(),
            "core id" => place.core = value.parse().ok(),
            _ => {}
        }
    }
    is_processor.then_some((one, place))
}

/// Puts a processor behind the others: into their row where it is the next one of it.
fn append(places: &mut Vec<Place>, place: Place) {
    if let Some(last) = places.last_mut() {
        let next = last.core.map(|first| first.checked_add(last.count));
        let is_next = match (next, place.core) {
            (None, None) => true,
            (Some(next), core) => next == core && core.is_some(),
            (None, Some(_)) => false,
        };
        if last.package == place.package && is_next {
            last.count += 1;
            return;
        }
    }
    places.push(place);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(number: usize, package: u32, core: u32) -> String {
        format!(
            "processor\t: {number}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 167\nmodel name\t: Intel(R) Xeon(R)\nstepping\t: 1\n\
             cpu MHz\t\t: {number}600.000\ncache size\t: 491520 KB\nphysical id\t: {package}\ncore id\t\t: {core}\n\n"
        )
    }

    fn places(of: &[Processors]) -> Vec<(Option<u32>, Option<u32>, u32)> {
        of.iter().flat_map(|one| &one.places).map(|place| (place.package, place.core, place.count)).collect()
    }

    #[test]
    fn processors_that_are_alike_are_told_of_once_with_their_places() {
        let text: String = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 0), (0, 1)]
            .iter()
            .enumerate()
            .map(|(at, (p, c))| of(at, *p, *c))
            .collect();
        let found = parse(&text);
        assert_eq!(found.len(), 1, "how fast they run is no difference");
        assert_eq!(places(&found), [(Some(0), Some(0), 2), (Some(1), Some(0), 2), (Some(0), Some(0), 2)]);
        let one = &found[0];
        assert_eq!((one.vendor.as_str(), one.family.as_str(), one.model.as_str()), ("GenuineIntel", "6", "167"));
        assert_eq!((one.cache_size.as_str(), one.mhz, one.stepping.as_str()), ("491520 KB", Some(600.0), "1"));
        let other = parse(&(of(0, 0, 0) + &of(1, 0, 1).replace("stepping\t: 1", "stepping\t: 2")));
        assert_eq!(other.len(), 2);
    }

    #[test]
    fn boards_without_cores_have_processors_in_a_row() {
        let board = "processor\t: 0\nCPU part\t: 0xd08\n\nprocessor\t: 1\nCPU part\t: 0xd08\n\nRevision\t: c03114\n";
        assert_eq!(places(&parse(board)), [(None, None, 2)]);
        assert_eq!(parse("Revision\t: c03114\n"), []);
        let most = of(0, 0, u32::MAX) + &of(1, 0, 0);
        assert_eq!(places(&parse(&most)), [(Some(0), Some(u32::MAX), 1), (Some(0), Some(0), 1)]);
    }
}
