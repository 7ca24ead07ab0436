//! Rows of one or two columns whose values lie close together, as positions in a rectangle.

use nsdl_ir::Word;

/// The product of one or two ranges of values.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Area {
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

impl Area {
    #[inline]
    pub(crate) fn position(&self, row: &[Word]) -> Option<u64> {
        let [first, second] = self.axes;
        match *row {
            [value] => first.offset(value),
            [a, b] => Some(first.offset(a)? << second.bits | second.offset(b)?),
            _ => None,
        }
    }

    pub(crate) fn line(&self, row: &[Word; 2], column: usize) -> Option<Line> {
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

    /// How many positions there are.
    pub(crate) fn len(&self) -> u64 {
        1_u64 << (self.axes[0].bits + self.axes[1].bits).min(63)
    }

    pub(crate) fn covering(mut self, column: usize, least: i64, greatest: i64) -> Option<Area> {
        self.axes[column] = Axis::covering(least, greatest, 0, false)?;
        Some(self)
    }

    /// An area that holds `row` too.
    pub(crate) fn widened(&self, row: &[Word]) -> Option<Area> {
        let mut axes = self.axes;
        for (axis, &value) in axes.iter_mut().zip(row) {
            *axis = axis.widened(value as i64)?;
        }
        Some(Area { axes })
    }
}
