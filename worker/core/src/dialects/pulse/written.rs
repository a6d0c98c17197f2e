//! Answers that are long: written piece by piece, without a tree of them and without one long text.

use std::sync::Arc;

use serde::Serialize;

/// So many bytes has a piece at most.
pub const MAX_CHUNK_BYTES: usize = 64 * 1024;
/// From here on a piece is closed. What is added at once is seldom longer than the rest.
const FULL_BYTES: usize = 60 * 1024;

/// An answer while it is written, in pieces of at most [`MAX_CHUNK_BYTES`]. Pieces are shared: what was written once may be part of
/// many answers without being copied.
#[derive(Debug, Clone, Default)]
pub struct Written {
    chunks: Vec<Arc<[u8]>>,
    open: Vec<u8>,
}

impl Written {
    /// Adds JSON that is there as text.
    pub fn raw(&mut self, text: &str) {
        self.open.extend_from_slice(text.as_bytes());
        self.close_if_full();
    }

    /// Adds a value.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) {
        let before = self.open.len();
        // Writing into memory cannot fail; a value that has no form as JSON would leave half of one.
        if serde_json::to_writer(&mut self.open, value).is_err() {
            self.open.truncate(before);
            self.open.extend_from_slice(b"null");
        }
        self.close_if_full();
    }

    /// Adds a key of an object, and its value.
    pub fn key<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.name(key);
        self.value(value);
    }

    /// Adds a key of an object, with the comma before it unless it is the first one.
    pub fn name(&mut self, key: &str) {
        self.comma();
        self.value(key);
        self.open.push(b':');
    }

    /// Adds a list.
    pub fn list<T: Serialize>(&mut self, values: impl IntoIterator<Item = T>) {
        self.raw("[");
        for value in values {
            self.comma();
            self.value(&value);
        }
        self.raw("]");
    }

    /// Adds a comma, unless an object or a list has just begun.
    pub fn comma(&mut self) {
        let last = self.open.last().or_else(|| self.chunks.last().and_then(|chunk| chunk.last()));
        if !matches!(last, None | Some(b'[' | b'{' | b':')) {
            self.open.push(b',');
        }
    }

    /// Adds what was written elsewhere.
    pub fn join(&mut self, other: &Self) {
        if !other.chunks.is_empty() {
            self.close();
            self.chunks.extend(other.chunks.iter().cloned());
        }
        self.open.extend_from_slice(&other.open);
        self.close_if_full();
    }

    /// How long it is, bytes.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum::<usize>() + self.open.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pieces, in order, none of them empty.
    pub fn finish(mut self) -> Vec<Arc<[u8]>> {
        self.close();
        self.chunks
    }

    /// All of it as one text, for frames that have to be one.
    pub fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(self.len());
        for chunk in &self.chunks {
            bytes.extend_from_slice(chunk);
        }
        bytes.extend_from_slice(&self.open);
        // Only texts and JSON were put in.
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn close_if_full(&mut self) {
        if self.open.len() >= FULL_BYTES {
            self.close();
        }
    }

    fn close(&mut self) {
        self.chunks.extend(self.open.chunks(MAX_CHUNK_BYTES).map(Arc::from));
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json_in_pieces_of_bounded_length() {
        let mut part = Written::default();
        part.list((0..40_000).map(|number| format!("number {number}")));
        let mut whole = Written::default();
        whole.raw("{");
        whole.key("a", &1);
        whole.name("b");
        whole.join(&part);
        whole.name("c");
        whole.raw("{}");
        whole.key("long", &"x".repeat(200_000));
        whole.name("d");
        whole.list(Vec::<i32>::new());
        whole.raw("}");
        let text = whole.text();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["b"].as_array().unwrap().len(), 40_000);
        assert_eq!((&value["a"], &value["d"]), (&serde_json::json!(1), &serde_json::json!([])));
        assert_eq!(whole.len(), text.len());
        let chunks = whole.finish();
        assert!(chunks.len() > 10 && chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= MAX_CHUNK_BYTES));
        assert_eq!(chunks.concat(), text.as_bytes());
        let shared = part.finish();
        assert!(shared.iter().any(|one| chunks.iter().any(|other| Arc::ptr_eq(one, other))));
    }

    #[test]
    fn nothing_is_nothing() {
        let nothing = Written::default();
        assert!(nothing.is_empty() && nothing.text().is_empty() && nothing.finish().is_empty());
    }
}
