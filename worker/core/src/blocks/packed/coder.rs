//! The range coder below packed blocks: yes-or-no decisions become bytes, each at the price of its surprise.
//!
//! Writing and reading run through the same functions by the trait [`Coder`]: whoever writes passes what is true, whoever
//! reads passes anything, and both go on with what comes back. So the two directions cannot drift apart.

/// How a kind of decision has turned out so far.
#[derive(Debug, Clone, Copy)]
pub struct Odds {
    /// Chance of "yes", of 65,536.
    yes: u16,
    /// How often it was asked, up to [`SLOWEST`].
    seen: u8,
}

/// From so many on, every decision moves the odds by the same part.
const SLOWEST: u8 = 40;
/// Nothing is certain: the least chance, of 65,536.
const LEAST: u16 = 48;

/// The part, of 65,536, by which a decision moves odds that were asked `n` times: 1 / (n + 2).
const PARTS: [i32; SLOWEST as usize + 1] = {
    let mut parts = [0; SLOWEST as usize + 1];
    let (mut at, mut divisor) = (0, 3);
    while at < parts.len() {
        #[expect(clippy::indexing_slicing, reason = "bounded by the loop, and evaluated by the compiler")]
        {
            parts[at] = 131_072 / (divisor + 1);
        }
        at += 1;
        divisor += 2;
    }
    parts
};

impl Odds {
    /// Even odds, ready to learn.
    pub const EVEN: Self = Self { yes: 32_768, seen: 0 };

    /// Odds of so many in a hundred, as if they had been seen a few times.
    pub const fn of(percent: u16) -> Self {
        Self { yes: percent * 655, seen: 5 }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a u16 holds")]
    fn learn(&mut self, yes: bool) {
        let target: i32 = if yes { 0xffff } else { 0 };
        let was = i32::from(self.yes);
        let part = PARTS.get(usize::from(self.seen)).copied().unwrap_or(0);
        // At most 65,535 x 43,690, which an i32 does not hold.
        let moved = (i64::from(target - was) * i64::from(part)) >> 16;
        self.yes = (i64::from(was) + moved).clamp(i64::from(LEAST), i64::from(u16::MAX - LEAST)) as u16;
        self.seen = (self.seen + 1).min(SLOWEST);
    }
}

/// One direction of coding.
pub trait Coder {
    /// A decision: writes `is` and gives it back, or reads and gives what was written.
    fn decide(&mut self, odds: &mut Odds, is: bool) -> bool;

    /// The lowest `bits` (at most 64) of `value`, at even odds.
    fn raw(&mut self, bits: u32, value: u64) -> u64;
}

/// An interval that every decision narrows; its settled leading bytes are the code.
#[derive(Debug)]
struct Interval {
    low: u32,
    high: u32,
}

impl Interval {
    const WHOLE: Self = Self { low: 0, high: u32::MAX };

    /// The last point that means "yes", at `yes` of 65,536.
    #[expect(clippy::cast_possible_truncation, reason = "less than the interval, which is a u32")]
    fn cut(&self, yes: u16) -> u32 {
        self.low + ((u64::from(self.high - self.low) * u64::from(yes)) >> 16) as u32
    }

    /// Cuts the interval into 256 equal parts, of which `nth` remains; when it is too short for that, nothing happens.
    fn part(&mut self, nth: u8) -> bool {
        let part = (self.high - self.low) >> 8;
        let is_long = part > 0;
        if is_long {
            self.low += part * u32::from(nth);
            self.high = self.low + (part - 1);
        }
        is_long
    }

    fn narrow(&mut self, cut: u32, yes: bool) {
        if yes {
            self.high = cut;
        } else {
            self.low = cut.saturating_add(1);
        }
    }

    /// The leading byte, when it is settled; it leaves the interval.
    fn settled(&mut self) -> Option<u8> {
        let [first, ..] = self.high.to_be_bytes();
        ((self.low ^ self.high) >> 24 == 0).then(|| {
            self.low <<= 8;
            self.high = (self.high << 8) | 0xff;
            first
        })
    }
}

/// Writes.
#[derive(Debug)]
pub struct Writer {
    interval: Interval,
    bytes: Vec<u8>,
}

impl Default for Writer {
    fn default() -> Self {
        Self { interval: Interval::WHOLE, bytes: Vec::new() }
    }
}

impl Writer {
    fn flush(&mut self) {
        while let Some(byte) = self.interval.settled() {
            self.bytes.push(byte);
        }
    }

    /// What was written, with the fewest bytes that tell it from anything else: a reader takes zeros behind the end.
    pub fn finish(mut self) -> Vec<u8> {
        let Interval { low, high } = self.interval;
        let ends = [0, high & 0xff00_0000, high & 0xffff_0000, high & 0xffff_ff00];
        let end = ends.into_iter().find(|end| *end >= low).unwrap_or(high);
        let unused = usize::try_from(end.trailing_zeros() / 8).unwrap_or(0);
        self.bytes.extend(end.to_be_bytes().into_iter().take(4 - unused));
        self.bytes
    }
}

impl Coder for Writer {
    fn decide(&mut self, odds: &mut Odds, is: bool) -> bool {
        self.interval.narrow(self.interval.cut(odds.yes), is);
        self.flush();
        odds.learn(is);
        is
    }

    fn raw(&mut self, bits: u32, value: u64) -> u64 {
        let mut left = bits;
        while left > 0 {
            let [byte, ..] = (value >> left.saturating_sub(8)).to_le_bytes();
            if left >= 8 && self.interval.part(byte) {
                self.flush();
                left -= 8;
            } else {
                left -= 1;
                self.decide(&mut Odds::EVEN.clone(), value >> left & 1 == 1);
            }
        }
        value
    }
}

/// Reads. Behind the end lie zeros.
#[derive(Debug)]
pub struct Reader<'a> {
    interval: Interval,
    point: u32,
    rest: std::slice::Iter<'a, u8>,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their beginning.
    pub fn of(bytes: &'a [u8]) -> Self {
        let mut reader = Self { interval: Interval::WHOLE, point: 0, rest: bytes.iter() };
        (0..4).for_each(|_| reader.shift());
        reader
    }

    fn follow(&mut self) {
        while self.interval.settled().is_some() {
            self.shift();
        }
    }

    fn shift(&mut self) {
        self.point = (self.point << 8) | u32::from(self.rest.next().copied().unwrap_or(0));
    }
}

impl Coder for Reader<'_> {
    fn decide(&mut self, odds: &mut Odds, _: bool) -> bool {
        let cut = self.interval.cut(odds.yes);
        let is = self.point <= cut;
        self.interval.narrow(cut, is);
        self.follow();
        odds.learn(is);
        is
    }

    fn raw(&mut self, bits: u32, _: u64) -> u64 {
        let mut value = 0;
        let mut left = bits;
        while left > 0 {
            let part = (self.interval.high - self.interval.low) >> 8;
            let nth = self.point.saturating_sub(self.interval.low).checked_div(part);
            // What lies behind the last part was never written; it is read as the last.
            let nth = nth.map(|nth| u8::try_from(nth).unwrap_or(u8::MAX));
            if let Some(nth) = nth.filter(|_| left >= 8) {
                self.interval.part(nth);
                self.follow();
                value = value << 8 | u64::from(nth);
                left -= 8;
            } else {
                left -= 1;
                value = value << 1 | u64::from(self.decide(&mut Odds::EVEN.clone(), false));
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_come_back_and_the_expected_ones_cost_next_to_nothing() {
        let decisions: Vec<bool> =
            (0..4_000_u32).map(|at| at.is_multiple_of(97) || at.wrapping_mul(at) % 91 == 3).collect();
        let mut writer = Writer::default();
        let mut odds = [Odds::EVEN; 2];
        for is in &decisions {
            writer.decide(&mut odds[0], *is);
            writer.decide(&mut odds[1], true);
            writer.raw(1, u64::from(!is));
        }
        writer.raw(64, u64::MAX - 5);
        let bytes = writer.finish();
        // 500 bytes are the raw bits; the rarely surprising decisions take about a sixth of theirs.
        assert!(bytes.len() < 660, "{}", bytes.len());

        let mut reader = Reader::of(&bytes);
        let mut odds = [Odds::EVEN; 2];
        for is in &decisions {
            assert_eq!(reader.decide(&mut odds[0], false), *is);
            assert!(reader.decide(&mut odds[1], false));
            assert_eq!(reader.raw(1, 0), u64::from(!is));
        }
        assert_eq!(reader.raw(64, 0), u64::MAX - 5);
    }

    #[test]
    fn nothing_written_is_no_byte() {
        assert!(Writer::default().finish().is_empty());
    }
}
