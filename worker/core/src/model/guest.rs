//! What people without an account may see.

/// How far guests are let in. A host that is hidden from guests is in none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GuestView {
    /// Not at all.
    #[default]
    Off,
    /// The status page and what the dialects show to guests.
    Status,
    /// Beyond that, what Pulse shows to everybody while it asks for no password.
    Pulse,
}

impl GuestView {
    /// The view of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Off, Self::Status, Self::Pulse].into_iter().find(|view| view.word() == word)
    }

    /// The view's word: `off`, `status` or `pulse`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Status => "status",
            Self::Pulse => "pulse",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_known_by_its_word_alone() {
        for view in [GuestView::Off, GuestView::Status, GuestView::Pulse] {
            assert_eq!(GuestView::parse(view.word()), Some(view));
        }
        assert_eq!((GuestView::parse(""), GuestView::parse("Status")), (None, None));
    }
}
