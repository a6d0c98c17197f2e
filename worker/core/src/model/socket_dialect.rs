//! Whose words are spoken over a socket that clients of two dialects open at the same path.

/// In whose words a client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketDialect {
    /// Nezha's.
    Nezha,
    /// Pulse's.
    Pulse,
    /// In those of both at once: nobody knows what it is a client of.
    Both,
}

impl SocketDialect {
    /// The dialect of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Nezha, Self::Pulse, Self::Both].into_iter().find(|dialect| dialect.word() == word)
    }

    /// Its word: `nezha`, `pulse` or `both`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nezha => "nezha",
            Self::Pulse => "pulse",
            Self::Both => "both",
        }
    }
}
