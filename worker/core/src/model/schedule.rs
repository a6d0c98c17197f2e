//! Who is told of alerts of thresholds, and how often.

use super::QuietHours;

/// Who is told how often.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertSchedule {
    /// Whether there are quiet hours. They are the deployment's one setting, of which this is a view.
    pub has_quiet_hours: bool,
    /// When they are, or would be.
    pub quiet_hours: QuietHours,
    /// An alert is not told again within so many minutes.
    pub cooldown_min: u32,
    /// What comes within so many seconds is told as one.
    pub grouping_s: u32,
    /// Of an alert people are told at most so often an hour; 0 for as often as it comes.
    pub most_an_hour: u32,
    /// Whether people are told of an end.
    pub tells_of_end: bool,
    /// Whether others are told of what nobody acknowledges.
    pub escalates: bool,
    /// After how long, and who.
    pub levels: Vec<EscalationLevel>,
    /// How what is told as one is put together.
    pub grouping: Grouping,
    /// What else was said.
    pub rest: String,
}

/// Who is told of an alert that nobody acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EscalationLevel {
    /// After so many minutes.
    pub after_min: u32,
    /// Who.
    pub audience: EscalationAudience,
}

/// Which channels are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EscalationAudience {
    /// Those of mail.
    Email,
    /// All but those of mail.
    Webhook,
    /// All of them.
    All,
}

impl EscalationAudience {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Email, Self::Webhook, Self::All];

    /// Its word: Pulse's.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::All => "all",
        }
    }

    /// The audience of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|audience| audience.word() == word)
    }

    /// As it stands in an event in the place of a group of channels; of all of them the default group.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Email => "escalation:email",
            Self::Webhook => "escalation:webhook",
            Self::All => "",
        }
    }

    /// What [`EscalationAudience::group`] gave; `None` for a group of channels.
    pub fn of_group(text: &str) -> Option<Self> {
        [Self::Email, Self::Webhook].into_iter().find(|audience| audience.group() == text)
    }

    /// Whether a text could be taken for an audience: no group of channels may be called so.
    pub fn is_like(text: &str) -> bool {
        text.starts_with("escalation:")
    }
}

/// How alerts are told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grouping {
    /// Whether they are.
    pub is_on: bool,
    /// Within so many seconds.
    pub window_s: u32,
    /// Those of a node.
    pub by_node: bool,
    /// Those of a guest.
    pub by_guest: bool,
}

/// Source: pulse specification, 12.1.
impl Default for AlertSchedule {
    fn default() -> Self {
        let level = |after_min, audience| EscalationLevel { after_min, audience };
        Self {
            has_quiet_hours: false,
            quiet_hours: QuietHours {
                zone: "America/New_York".to_owned(),
                from_min: 22 * 60,
                to_min: 8 * 60,
                days: [true, true, true, true, true, false, false],
            },
            cooldown_min: 5,
            grouping_s: 30,
            most_an_hour: 10,
            tells_of_end: false,
            escalates: false,
            levels: vec![
                level(15, EscalationAudience::Email),
                level(30, EscalationAudience::Webhook),
                level(60, EscalationAudience::All),
            ],
            grouping: Grouping { is_on: true, window_s: 30, by_node: true, by_guest: false },
            rest: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audiences_are_known_by_their_words_alone() {
        for audience in EscalationAudience::ALL {
            assert_eq!(EscalationAudience::parse(audience.word()), Some(audience));
        }
        assert_eq!(EscalationAudience::parse("x"), None);
    }
}
