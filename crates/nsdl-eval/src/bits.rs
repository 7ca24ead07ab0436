//! A bitmap over the rows that one or two ranges of values can make.

use nsdl_ir::Word;

/// A bitmap over the product of one or two ranges of values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    /// Range of each column; a single column has an `axes[1]` of one value, 0.
    axes: [Axis; 2],
}

/// The range `base .. base + 2^bits`, in order of signed words; empty until there is a value.
#[derive(Clone, Copy, Debug, Default)]
struct Axis {
    base: i64,
    bits: u32,
    used: bool,
}

impl Axis {
    #[inline]
    fn offset(self, value: Word) -> Option<u64> {
        let offset = value.wrapping_sub(self.base as u64);
        (offset >> self.bits == 0).then_some(offset)
    }

    /// A range for all of `least..=greatest` with the room left on one side; `None` if far too wide.
    pub(crate) fn covering(least: i64, greatest: i64, bits: u32, room_below: bool) -> Option<Axis> {
        let width = (greatest.wrapping_sub(least) as u64)
            .checked_add(1)?
            .checked_next_power_of_two()?;
        let bits = bits.max(width.trailing_zeros());
        if bits > 40 {
            return None;
        }
        let room = (1_u64 << bits) - 1 - greatest.wrapping_sub(least) as u64;
        let base = if room_below {
            least.saturating_sub(room as i64)
        } else {
            least
        };
        Some(Axis {
            base,
            bits,
            used: true,
        })
    }

    /// A range that holds `value` too; at least twice as wide, so that widening is rare.
    pub(crate) fn widened(self, value: i64) -> Option<Axis> {
        if !self.used {
            return Axis::covering(value, value, 6, false);
        }
        if self.offset(value as Word).is_some() {
            return Some(self);
        }
        let last = self.base.saturating_add((1 << self.bits) - 1);
        Axis::covering(
            self.base.min(value),
            last.max(value),
            self.bits + 1,
            value < self.base,
        )
    }
}

/// The positions of rows that differ in one column.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    axis: Axis,
    start: u64,
    shift: u32,
}

impl Line {
    #[inline]
    pub(crate) fn position(self, value: Word) -> Option<u64> {
        Some(self.start + (self.axis.offset(value)? << self.shift))
    }
}

impl Bits {
    #[inline]
    pub(crate) fn position(&self, row: &[Word]) -> Option<u64> {
        if self.words.is_empty() {
            return None;
        }
        let [first, second] = self.axes;
        match *row {
            [value] => first.offset(value),
            [a, b] => Some(first.offset(a)? << second.bits | second.offset(b)?),
            _ => None,
        }
    }

    pub(crate) fn line(&self, row: &[Word; 2], column: usize) -> Option<Line> {
        if self.words.is_empty() {
            return None;
        }
        let [first, second] = self.axes;
        Some(if column == 0 {
            Line {
                axis: first,
                start: second.offset(row[1])?,
                shift: second.bits,
            }
        } else {
            Line {
                axis: second,
                start: first.offset(row[0])? << second.bits,
                shift: 0,
            }
        })
    }

    #[inline]
    pub(crate) fn get(&self, position: u64) -> bool {
        self.words[(position >> 6) as usize] >> (position & 63) & 1 != 0
    }

    /// Sets a bit; true if it was not set.
    #[inline]
    pub(crate) fn set(&mut self, position: u64) -> bool {
        let word = &mut self.words[(position >> 6) as usize];
        let bit = 1 << (position & 63);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Unsets all bits; needed after its ranges have changed.
    pub(crate) fn clear(&mut self) {
        self.words = vec![0; (self.area() as usize).div_ceil(64)];
    }

    fn area(&self) -> u64 {
        1_u64 << (self.axes[0].bits + self.axes[1].bits).min(63)
    }

    /// At most as large as a hash table of as many rows would be, or 2 MiB, of which only what is used
    /// takes memory.
    pub(crate) fn affordable(&self, rows: usize) -> bool {
        self.area() <= (1 << 24).max(64 * rows as u64)
    }

    pub(crate) fn covering(mut self, column: usize, least: i64, greatest: i64) -> Option<Bits> {
        self.axes[column] = Axis::covering(least, greatest, 0, false)?;
        Some(self)
    }

    pub(crate) fn widened(&self, row: &[Word]) -> Option<Bits> {
        let mut axes = self.axes;
        for (axis, &value) in axes.iter_mut().zip(row) {
            *axis = axis.widened(value as i64)?;
        }
        Some(Bits {
            words: Vec::new(),
            axes,
        })
    }
}
