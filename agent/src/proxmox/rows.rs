//! A section's rows, packed: kept as text, hashed, cut into parts.

use edgewatch_core::dialects::native::proxmox::SectionName;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A part's rows are at most so long together: the message around them has room to spare.
const MOST_PART_BYTES: usize = 400 * 1024;

/// Rows of JSON that are being gathered.
#[derive(Debug, Default)]
pub struct Rows {
    text: String,
    ends: Vec<usize>,
}

/// A section, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The instance's id.
    pub instance: String,
    /// What it is of.
    pub name: SectionName,
    /// The same hash is the same content.
    pub hash: String,
    /// Lists of JSON, at least one.
    pub parts: Vec<String>,
}

impl Rows {
    /// Adds a row. One that cannot be written is none.
    pub fn push<T: Serialize>(&mut self, row: &T) {
        if let Ok(text) = serde_json::to_string(row) {
            self.push_text(&text);
        }
    }

    /// Adds a row that was written before.
    pub fn push_text(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The section: its rows in an order of their own, so that whoever lists them otherwise next time changes nothing.
    pub fn pack(self, instance: &str, name: SectionName) -> Packed {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let mut rows: Vec<&str> =
            starts.zip(&self.ends).filter_map(|(start, end)| self.text.get(start..*end)).collect();
        rows.sort_unstable();
        // Listed twice counts once.
        rows.dedup();
        let mut hash = Sha256::new();
        let (mut parts, mut part) = (Vec::new(), String::from("["));
        for row in rows {
            hash.update(row);
            hash.update(b"\n");
            if part.len() + row.len() > MOST_PART_BYTES && part.len() > 1 {
                part.push(']');
                parts.push(std::mem::replace(&mut part, String::from("[")));
            }
            if part.len() > 1 {
                part.push(',');
            }
            part.push_str(row);
        }
        part.push(']');
        parts.push(part);
        let mut hash = format!("{:x}", hash.finalize());
        hash.truncate(20);
        Packed { instance: instance.to_owned(), name, hash, parts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(rows: &[&str]) -> Packed {
        let mut gathered = Rows::default();
        for row in rows {
            gathered.push(row);
        }
        gathered.pack("i", SectionName::Census)
    }

    #[test]
    fn the_same_rows_in_another_order_are_the_same_section() {
        assert_eq!(packed(&["a", "b"]), packed(&["b", "a", "a"]));
        assert_ne!(packed(&["a", "b"]).hash, packed(&["ab"]).hash);
        assert_eq!(packed(&["b", "a"]).parts, [r#"["a","b"]"#]);
        assert_eq!(packed(&[]).parts, ["[]"]);
    }

    #[test]
    fn a_long_section_is_cut_into_parts_that_are_lists() {
        let rows: Vec<String> = (0..30).map(|row| format!("{row:02}{}", "x".repeat(50_000))).collect();
        let packed = packed(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(packed.parts.len() > 3 && packed.parts.iter().all(|part| part.len() <= MOST_PART_BYTES + 2));
        let back: Vec<String> =
            packed.parts.iter().flat_map(|part| serde_json::from_str::<Vec<String>>(part).unwrap()).collect();
        assert_eq!(back, rows);
    }
}
