//! A file of `/proc` or `/sys` that stays open and is read from its beginning each time.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::CollectError;

/// More than any file here has on the largest machines we know; what lies beyond is not read.
const MOST_BYTES: usize = 1 << 20;

/// An open file of the kernel's.
#[derive(Debug)]
pub struct KernelFile {
    path: &'static str,
    file: Option<File>,
}

impl KernelFile {
    /// A file that is opened by its first reading.
    pub const fn new(path: &'static str) -> Self {
        Self { path, file: None }
    }

    /// Its whole text.
    ///
    /// # Errors
    /// [`CollectError::Unavailable`] when it cannot be read, [`CollectError::Malformed`] when it is not text.
    pub fn read<'a>(&mut self, buffer: &'a mut Vec<u8>) -> Result<&'a str, CollectError> {
        self.read_up_to(buffer, MOST_BYTES)
    }

    /// Its first bytes, at most `most` of them, cut at the end of a line when there is more.
    ///
    /// # Errors
    /// As [`KernelFile::read`].
    pub fn read_up_to<'a>(&mut self, buffer: &'a mut Vec<u8>, most: usize) -> Result<&'a str, CollectError> {
        let length = self.fill(buffer, most).map_err(|error| {
            self.file = None;
            CollectError::Unavailable { what: self.path, kind: error.kind() }
        })?;
        let mut bytes = &buffer[..length];
        if length >= most {
            let end = bytes.iter().rposition(|&byte| byte == b'\n').unwrap_or(length);
            bytes = &bytes[..end];
        }
        std::str::from_utf8(bytes).map_err(|_| CollectError::Malformed { what: self.path })
    }

    fn fill(&mut self, buffer: &mut Vec<u8>, most: usize) -> std::io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::open(self.path)?),
        };
        let mut length = 0;
        loop {
            if length >= most {
                return Ok(length);
            }
            if length == buffer.len() {
                buffer.resize(buffer.len() * 2, 0);
            }
            let end = buffer.len().min(most);
            match file.read_at(&mut buffer[length..end], length as u64)? {
                0 => return Ok(length),
                read => length += read,
            }
        }
    }
}
