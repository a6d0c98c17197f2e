//! How far an update of the server has come.

use crate::units::UnixSeconds;

/// A step of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum UpdateStep {
    /// Nothing goes on.
    #[default]
    Idle,
    /// Somebody looks for one.
    Checking,
    /// There is one.
    Available,
    /// It is fetched.
    Downloading,
    /// What was fetched is looked at.
    Verifying,
    /// It is unpacked.
    Extracting,
    /// What is there is put aside.
    BackingUp,
    /// It takes the place of what is there.
    Applying,
    /// It starts.
    Restarting,
    /// It runs.
    Completed,
    /// It came to nothing.
    Error,
}

impl UpdateStep {
    /// All of them, in the order in which they come.
    pub const ALL: [Self; 11] = [
        Self::Idle,
        Self::Checking,
        Self::Available,
        Self::Downloading,
        Self::Verifying,
        Self::Extracting,
        Self::BackingUp,
        Self::Applying,
        Self::Restarting,
        Self::Completed,
        Self::Error,
    ];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Checking => "checking",
            Self::Available => "available",
            Self::Downloading => "downloading",
            Self::Verifying => "verifying",
            Self::Extracting => "extracting",
            Self::BackingUp => "backing-up",
            Self::Applying => "applying",
            Self::Restarting => "restarting",
            Self::Completed => "completed",
            Self::Error => "error",
        }
    }

    /// The step of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }

    /// How far it is, 0 to 100. Source: pulse specification, 14.
    pub const fn progress(self) -> u8 {
        match self {
            Self::Idle | Self::Checking | Self::Error => 0,
            Self::Downloading => 10,
            Self::Verifying => 30,
            Self::Extracting => 40,
            Self::BackingUp => 60,
            Self::Applying => 80,
            Self::Restarting => 95,
            Self::Available | Self::Completed => 100,
        }
    }

    /// Whether an update is under way: nobody may begin another.
    pub const fn is_under_way(self) -> bool {
        matches!(
            self,
            Self::Downloading
                | Self::Verifying
                | Self::Extracting
                | Self::BackingUp
                | Self::Applying
                | Self::Restarting
        )
    }
}

/// How far an update has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpdateStatus {
    /// Where it is.
    pub step: UpdateStep,
    /// How far, 0 to 100.
    pub progress: u8,
    /// A sentence; may be empty.
    pub message: String,
    /// What went wrong; empty when nothing did.
    pub error: String,
    /// When that was.
    pub at: UnixSeconds,
}

impl UpdateStatus {
    /// At this step.
    pub fn at(step: UpdateStep, message: impl Into<String>, at: UnixSeconds) -> Self {
        Self { step, progress: step.progress(), message: message.into(), error: String::new(), at }
    }

    /// What went wrong.
    pub fn failed(error: impl Into<String>, at: UnixSeconds) -> Self {
        Self { error: error.into(), ..Self::at(UpdateStep::Error, "Update failed", at) }
    }

    /// What came of a look for an update: the version that is there, or none. Quirk: without one it is idle at 100.
    pub fn checked(version: Option<&str>, at: UnixSeconds) -> Self {
        match version {
            Some(version) => Self::at(UpdateStep::Available, format!("Update available: {version}"), at),
            None => Self { progress: 100, ..Self::at(UpdateStep::Idle, "No updates available", at) },
        }
    }

    /// The status after `now`: as it is, or failed where a step took longer than `limit_s`.
    #[must_use]
    pub fn aged(self, now: UnixSeconds, limit_s: i64) -> Self {
        if !self.step.is_under_way() || now.since(self.at) <= limit_s {
            return self;
        }
        Self::failed(format!("no news since the step \"{}\" for {} minutes", self.step.word(), limit_s / 60), now)
    }

    /// The status when somebody says that it is at `step`; `None` for a step back, or when no update is under way.
    pub fn advanced(&self, step: UpdateStep, message: &str, now: UnixSeconds) -> Option<Self> {
        (self.step.is_under_way() && step > self.step).then(|| match step {
            UpdateStep::Error => Self::failed(message, now),
            step => Self::at(step, message, now),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_goes_forward_to_its_end() {
        let begun = UpdateStatus::at(UpdateStep::Downloading, "", UnixSeconds(0));
        let mut status = begun.clone();
        for (step, progress) in [
            (UpdateStep::Verifying, 30),
            (UpdateStep::Extracting, 40),
            (UpdateStep::BackingUp, 60),
            (UpdateStep::Applying, 80),
            (UpdateStep::Restarting, 95),
            (UpdateStep::Completed, 100),
        ] {
            status = status.advanced(step, "on", UnixSeconds(1)).unwrap();
            assert_eq!((status.step, status.progress), (step, progress));
        }
        assert_eq!(status.advanced(UpdateStep::Error, "late", UnixSeconds(2)), None);
        let applying = begun.advanced(UpdateStep::Applying, "", UnixSeconds(1)).unwrap();
        assert_eq!(applying.advanced(UpdateStep::Extracting, "", UnixSeconds(2)), None);
        let failed = applying.advanced(UpdateStep::Error, "no space", UnixSeconds(2)).unwrap();
        assert_eq!((failed.step, failed.error.as_str(), failed.progress), (UpdateStep::Error, "no space", 0));
        assert_eq!(UpdateStatus::default().advanced(UpdateStep::Applying, "", UnixSeconds(1)), None);
    }

    #[test]
    fn silence_is_a_failure_and_a_look_says_what_it_found() {
        let status = UpdateStatus::at(UpdateStep::Applying, "", UnixSeconds(100));
        assert_eq!(status.clone().aged(UnixSeconds(700), 600), status);
        let late = status.aged(UnixSeconds(701), 600);
        assert_eq!(
            (late.step, late.error.as_str()),
            (UpdateStep::Error, "no news since the step \"applying\" for 10 minutes")
        );
        let idle = UpdateStatus::default();
        assert_eq!(idle.clone().aged(UnixSeconds(9_999_999), 600), idle);
        let found = UpdateStatus::checked(Some("v4.3.0"), UnixSeconds(1));
        assert_eq!(
            (found.step, found.progress, found.message.as_str()),
            (UpdateStep::Available, 100, "Update available: v4.3.0")
        );
        let none = UpdateStatus::checked(None, UnixSeconds(1));
        assert_eq!((none.step, none.progress), (UpdateStep::Idle, 100));
        assert!(UpdateStep::ALL.iter().all(|step| UpdateStep::parse(step.word()) == Some(*step)));
    }
}
