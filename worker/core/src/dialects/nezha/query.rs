//! The query of `list` and `details`.

use crate::model::HostId;

/// `?id=&tag=`, decoded. An empty text equals a missing one; of a repeated key the first counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerQuery {
    /// Comma list of ids, for `details` alone.
    pub id: String,
    /// Exact group name.
    pub tag: String,
}

impl ServerQuery {
    /// Takes the two keys from decoded pairs in the order sent.
    pub fn from_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut id, mut tag) = (None, None);
        for (key, value) in pairs {
            match key {
                "id" if id.is_none() => id = Some(value.to_owned()),
                "tag" if tag.is_none() => tag = Some(value.to_owned()),
                _ => {}
            }
        }
        Self { id: id.unwrap_or_default(), tag: tag.unwrap_or_default() }
    }
}

/// The most ids that one request answers for: repeats count, and an answer must fit into memory.
const MAX_IDS: usize = 1000;

/// The ids in a comma list, in order and with repeats. Quirk: a bad part counts as id 0, which nobody has, and is skipped.
/// Source: nezha specification, 4.1.
pub fn parse_ids(list: &str) -> Vec<HostId> {
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    list.split(',')
        .filter(digits)
        .filter_map(|part| part.parse().ok())
        .filter(|id| *id > 0)
        .map(HostId)
        .take(MAX_IDS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_parts_are_skipped_and_good_ones_still_answer() {
        assert_eq!(parse_ids("4,1,4"), [HostId(4), HostId(1), HostId(4)]);
        assert_eq!(parse_ids("abc,99999, 5,5 ,6"), [HostId(99_999), HostId(6)]);
        assert_eq!(parse_ids("99999999999999999999,-1,0,+3,"), []);
    }

    #[test]
    fn the_first_of_a_repeated_key_counts() {
        let query = ServerQuery::from_pairs([("tag", "a"), ("tag", "b"), ("id", ""), ("x", "y")].into_iter());
        assert_eq!(query, ServerQuery { id: String::new(), tag: "a".to_owned() });
    }
}
