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

/// How the guest page looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GuestTheme {
    /// As the guest's own system does.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl GuestTheme {
    /// The theme of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::System, Self::Light, Self::Dark].into_iter().find(|theme| theme.word() == word)
    }

    /// The theme's word: `system`, `light` or `dark`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What guests are shown around the hosts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestPage {
    /// What stands above it; empty for the product's name.
    pub title: String,
    /// How it looks.
    pub theme: GuestTheme,
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
        for theme in [GuestTheme::System, GuestTheme::Light, GuestTheme::Dark] {
            assert_eq!(GuestTheme::parse(theme.word()), Some(theme));
        }
        assert_eq!(GuestTheme::parse("blue"), None);
    }
}
