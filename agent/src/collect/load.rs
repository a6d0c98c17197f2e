//! Load averages, from `/proc/loadavg`.

use super::CollectError;
use super::kernel_file::KernelFile;

const LOADAVG: &str = "/proc/loadavg";

/// Load averages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Of 1 minute.
    pub one: f64,
    /// Of 5 minutes.
    pub five: f64,
    /// Of 15 minutes.
    pub fifteen: f64,
}

/// The file, kept open.
#[derive(Debug)]
pub struct LoadFile(KernelFile);

impl Default for LoadFile {
    fn default() -> Self {
        Self(KernelFile::new(LOADAVG))
    }
}

impl LoadFile {
    /// The averages now.
    ///
    /// # Errors
    /// [`CollectError::Unavailable`] and [`CollectError::Malformed`] of `/proc/loadavg`.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Result<Load, CollectError> {
        parse(self.0.read(buffer)?)
    }
}

/// The averages in the text of `/proc/loadavg`.
///
/// # Errors
/// [`CollectError::Malformed`] when there are fewer than three numbers.
pub fn parse(text: &str) -> Result<Load, CollectError> {
    let malformed = || CollectError::Malformed { what: LOADAVG };
    let mut fields = text.split_ascii_whitespace().map(|field| field.parse::<f64>().ok());
    let mut next = || fields.next().flatten().ok_or_else(malformed);
    Ok(Load { one: next()?, five: next()?, fifteen: next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_averages_are_read() {
        let load = parse("0.12 0.58 1.44 2/85 12562\n").unwrap();
        assert_eq!(load, Load { one: 0.12, five: 0.58, fifteen: 1.44 });
    }

    #[test]
    fn too_few_numbers_are_malformed() {
        assert!(parse("0.12 0.58\n").is_err());
        assert!(parse("a b c\n").is_err());
    }
}
