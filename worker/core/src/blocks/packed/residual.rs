//! Whole numbers as decisions: how far a value is from what was predicted.

use super::coder::{Coder, Odds};

/// Decisions of one sort, told apart by a small number. Beyond the last they share.
#[derive(Debug)]
struct Contexts<const N: usize>([Odds; N]);

impl<const N: usize> Contexts<N> {
    const EVEN: Self = Self::all(Odds::EVEN);

    const fn all(odds: Odds) -> Self {
        Self([odds; N])
    }

    #[expect(clippy::indexing_slicing, reason = "bounded by the length, which is never 0")]
    fn at(&mut self, context: usize) -> &mut Odds {
        &mut self.0[context.min(N - 1)]
    }
}

/// Longest walk from the expected size that has odds of its own.
const STEPS: usize = 6;
/// Sorts of expected size: quarters of a bit below 3 bits; above, only the fraction counts, because there the walk from
/// the expected size looks the same at every scale.
const SIZES: usize = 16;

/// The odds of one sort's walk.
#[derive(Debug, Clone, Copy)]
struct Walk {
    /// Larger than expected?
    is_larger: Odds,
    /// Larger still, by steps?
    up: [Odds; STEPS],
    /// Smaller still, by steps? The first asks whether it is smaller at all.
    down: [Odds; STEPS],
}

/// How it goes with samples of servers, so that short blocks need not learn it first. Source: `samples/native`.
const WALK: Walk = Walk { is_larger: Odds::of(25), up: [Odds::of(38); STEPS], down: [Odds::of(78); STEPS] };
const LEAD: Odds = Odds::of(32);

/// What all series of a block have learnt together about how far values are from predictions.
#[derive(Debug)]
pub struct Residuals {
    /// By sort of expected size.
    walks: [Walk; SIZES],
    /// The bits after the leading one, by size and the bit before.
    lead: Contexts<{ 66 * 3 }>,
    /// Negative? By the sign before.
    sign: Contexts<3>,
}

/// How large one series' residuals are, as a slowly moving figure.
#[derive(Debug)]
pub struct Scale {
    /// Sixteenths of a bit.
    size: u32,
    seen: u32,
    sign_before: usize,
}

impl Scale {
    /// Nothing known.
    pub const NEW: Self = Self { size: 0, seen: 0, sign_before: 0 };
    /// Of a column's first value: anything, from nothing to a count of bytes.
    pub const FIRST: Self = Self { size: 12 * 16, seen: 0, sign_before: 0 };
}

impl Residuals {
    /// Nothing learnt.
    pub const NEW: Self = Self { walks: [WALK; SIZES], lead: Contexts::all(LEAD), sign: Contexts::EVEN };

    /// A residual of a series whose residuals have been of `scale`.
    pub fn code(&mut self, coder: &mut impl Coder, scale: &mut Scale, residual: i64) -> i64 {
        let magnitude = residual.unsigned_abs();
        let bits = self.size(coder, scale, u64::BITS - magnitude.leading_zeros());
        let magnitude = self.below_lead(coder, bits, magnitude);
        scale.learn(bits);
        if bits == 0 {
            return 0;
        }
        let negative = coder.decide(self.sign.at(scale.sign_before), residual < 0);
        scale.sign_before = if negative { 1 } else { 2 };
        if negative { 0_i64.wrapping_sub_unsigned(magnitude) } else { 0_i64.wrapping_add_unsigned(magnitude) }
    }

    /// The number of bits, walked to from the expected one.
    fn size(&mut self, coder: &mut impl Coder, scale: &Scale, bits: u32) -> u32 {
        let mut walked = (scale.size + 8) / 16;
        let sort = if scale.size < 48 { scale.size / 4 } else { 12 + scale.size % 16 / 4 };
        let sort = usize::try_from(sort).unwrap_or(SIZES).min(SIZES - 1);
        #[expect(clippy::indexing_slicing, reason = "bounded by the line above")]
        let walk = &mut self.walks[sort];
        if coder.decide(&mut walk.is_larger, bits > walked) {
            walked += 1;
            let mut steps = Steps::of(&mut walk.up);
            while walked < u64::BITS && coder.decide(steps.next(), bits > walked) {
                walked += 1;
            }
        } else {
            let mut steps = Steps::of(&mut walk.down);
            while walked > 0 && coder.decide(steps.next(), bits < walked) {
                walked -= 1;
            }
        }
        walked.min(u64::BITS)
    }

    /// A number of `bits` bits: the leading one is known, the two after it have odds, the rest is noise.
    fn below_lead(&mut self, coder: &mut impl Coder, bits: u32, magnitude: u64) -> u64 {
        let Some(mut left) = bits.checked_sub(1) else {
            return 0;
        };
        let mut read = 1_u64;
        let mut context = usize::try_from(bits).unwrap_or(0) * 3;
        for _ in 0..2 {
            let Some(rest) = left.checked_sub(1) else { break };
            left = rest;
            let bit = coder.decide(self.lead.at(context), magnitude >> left & 1 == 1);
            read = read << 1 | u64::from(bit);
            context += 1 + usize::from(bit);
        }
        if left == 0 { read } else { read << left | coder.raw(left, magnitude & !(u64::MAX << left)) }
    }
}

/// The odds of one step after the other; the last ones for all further steps.
struct Steps<'a> {
    odds: &'a mut [Odds; STEPS],
    taken: usize,
}

impl<'a> Steps<'a> {
    fn of(odds: &'a mut [Odds; STEPS]) -> Self {
        Self { odds, taken: 0 }
    }

    #[expect(clippy::indexing_slicing, reason = "bounded in the expression")]
    fn next(&mut self) -> &mut Odds {
        let step = self.taken.min(STEPS - 1);
        self.taken += 1;
        &mut self.odds[step]
    }
}

impl Scale {
    fn learn(&mut self, bits: u32) {
        self.seen = (self.seen + 1).min(5);
        self.size = self.size.saturating_sub(self.size / self.seen).saturating_add(bits * 16 / self.seen);
        self.size = self.size.min(u64::BITS * 16);
    }
}

/// Small numbers that come rarely: counts, lengths, choices. Each sort has its own.
#[derive(Debug)]
pub struct Small {
    more: Contexts<65>,
    bits: Contexts<{ 6 * 8 }>,
}

impl Small {
    /// Nothing learnt.
    pub const NEW: Self = Self { more: Contexts::EVEN, bits: Contexts::EVEN };

    /// A number; the smaller, the cheaper, and the oftener, the cheaper.
    pub fn code(&mut self, coder: &mut impl Coder, value: u64) -> u64 {
        let length = u64::BITS - value.leading_zeros();
        let mut bits = 0;
        while bits < u64::BITS && coder.decide(self.more.at(usize::try_from(bits).unwrap_or(0)), length > bits) {
            bits += 1;
        }
        let Some(left) = bits.checked_sub(1) else {
            return 0;
        };
        if bits > 4 {
            return 1 << left | coder.raw(left, value & !(u64::MAX << left));
        }
        let mut read = 1;
        for bit in (0..left).rev() {
            let context = usize::try_from(bits * 8 + u32::try_from(read).unwrap_or(0)).unwrap_or(0);
            read = read << 1 | u64::from(coder.decide(self.bits.at(context), value >> bit & 1 == 1));
        }
        read
    }
}

/// Whether a value is there, by whether the two before it were.
#[derive(Debug)]
pub struct Presence(Contexts<4>, usize);

impl Presence {
    /// Nothing learnt.
    pub const NEW: Self = Self(Contexts::EVEN, 3);

    /// Whether the next value is there.
    pub fn code(&mut self, coder: &mut impl Coder, is_there: bool) -> bool {
        let is_there = coder.decide(self.0.at(self.1), is_there);
        self.1 = (self.1 << 1 | usize::from(is_there)) & 3;
        is_there
    }
}
