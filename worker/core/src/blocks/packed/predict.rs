//! What a value is expected to be, from those before it and from another series of the same block.

/// A way to expect the next value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// All are the same.
    Constant,
    /// As the one before.
    Last,
    /// As far from the one before as that was from the one before it.
    Line,
    /// As far from the one before as the steps have been on average.
    Slope,
    /// About what the values have been lately.
    Level,
    /// About what the values have been for longer.
    Mean,
    /// What the other series says.
    Other,
    /// What the other series says, and as far off as it has been on average.
    Beside,
    /// On a straight line through many before, such as times that are a little early or late.
    Trend,
    /// As much more than the one before as the other series says that it grew, in parts that depend on that (`grown`).
    Grown,
}

/// What another series says of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Said {
    /// About this.
    Is(i64),
    /// This part of the value before it, and so much more.
    Drawn { keep: f64, more: f64 },
}

/// Every way, by number. Codec 1 knows those before `Grown`.
pub const WAYS: [Way; 10] = [
    Way::Constant,
    Way::Last,
    Way::Line,
    Way::Slope,
    Way::Level,
    Way::Mean,
    Way::Other,
    Way::Beside,
    Way::Trend,
    Way::Grown,
];

impl Way {
    /// Whether it needs another series.
    pub fn is_by_other(self) -> bool {
        matches!(self, Self::Other | Self::Beside | Self::Grown)
    }
}

/// What one series has been so far. All arithmetic wraps: both directions do the same, whatever the numbers are.
#[derive(Debug)]
pub struct Past {
    way: Way,
    last: i64,
    /// The last step, or 16 times the average step or distance.
    step: i64,
    /// 16 times the average value.
    level: i64,
    seen: u32,
}

impl Past {
    /// A series that begins with `first`.
    pub fn new(way: Way, first: i64) -> Self {
        Self { way, last: first, step: 0, level: first.wrapping_mul(16), seen: 0 }
    }

    /// The next value, and what the other series says of it.
    pub fn expected(&self, other: Option<Said>) -> i64 {
        let other = other.map(|said| self.said(said));
        match (self.way, other) {
            (Way::Trend, _) => sixteenth(self.level.wrapping_add(self.step)),
            (Way::Line, _) => self.last.wrapping_add(self.step),
            (Way::Slope, _) => self.last.wrapping_add(sixteenth(self.step)),
            (Way::Level | Way::Mean, _) => sixteenth(self.level),
            (Way::Other, Some(other)) => other,
            (Way::Beside, Some(other)) => other.wrapping_add(sixteenth(self.step)),
            _ => self.last,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "an expectation may be a little off; the cast back saturates"
    )]
    fn said(&self, said: Said) -> i64 {
        match said {
            Said::Is(value) => value,
            Said::Drawn { keep, more } => (self.last as f64 * keep + more).round() as i64,
        }
    }

    /// Takes the next value in.
    pub fn take(&mut self, value: i64, other: Option<Said>) {
        let other = other.map(|said| self.said(said));
        self.seen = self.seen.saturating_add(1);
        let step = value.wrapping_sub(self.last);
        self.last = value;
        match self.way {
            Way::Line => self.step = step,
            Way::Slope => self.step = self.moved(self.step, step, 3),
            Way::Level => self.level = self.moved(self.level, value, 1),
            Way::Mean => self.level = self.moved(self.level, value, 4),
            Way::Beside => {
                if let Some(other) = other {
                    self.step = self.moved(self.step, value.wrapping_sub(other), 3);
                }
            }
            Way::Trend => {
                let part = self.part(3);
                let expected = self.level.wrapping_add(self.step);
                let off = value.wrapping_mul(16).wrapping_sub(expected);
                self.level = expected.wrapping_add(off >> part);
                self.step = self.step.wrapping_add(off >> (2 * part));
            }
            Way::Constant | Way::Last | Way::Other | Way::Grown => {}
        }
    }

    /// 16 times an average, moved towards `value`.
    fn moved(&self, average: i64, value: i64, least: u32) -> i64 {
        average.wrapping_add(value.wrapping_mul(16).wrapping_sub(average) >> self.part(least))
    }

    /// How often an average's move is halved: not at all at first, `least` times later.
    fn part(&self, least: u32) -> u32 {
        self.seen.checked_ilog2().unwrap_or(0).min(least)
    }
}

fn sixteenth(of: i64) -> i64 {
    of.wrapping_add(8) >> 4
}
