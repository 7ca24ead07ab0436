//! Sets of numbered literals.

/// Literals by their numbers.
pub(super) type Set<const W: usize> = [u64; W];

/// The places of the ones of a word, lowest first.
pub(super) fn bits(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros();
        word &= word.wrapping_sub(1);
        (bit < 64).then_some(bit)
    })
}

/// The literals of a set, lowest first.
pub(super) fn members<const W: usize>(set: Set<W>) -> impl Iterator<Item = usize> {
    let words = set.into_iter().enumerate();
    words.flat_map(|(word, ones)| bits(ones).map(move |bit| 64 * word + bit as usize))
}

/// Adds a literal.
pub(super) fn insert<const W: usize>(set: &mut Set<W>, number: usize) {
    set[number / 64] |= 1 << (number % 64);
}

/// Whether all of `small` is in `large`.
pub(super) fn subset<const W: usize>(small: Set<W>, large: Set<W>) -> bool {
    (0..W).all(|word| small[word] & !large[word] == 0)
}

/// The smaller set first, then the one with the lower literal where they differ.
pub(super) fn shortlex<const W: usize>(a: Set<W>, b: Set<W>) -> std::cmp::Ordering {
    let len = |set: Set<W>| set.into_iter().map(u64::count_ones).sum::<u32>();
    len(a).cmp(&len(b)).then_with(|| {
        let differs = (0..W).find(|&word| a[word] != b[word]);
        differs.map_or(std::cmp::Ordering::Equal, |word| {
            let lowest = (a[word] ^ b[word]).trailing_zeros();
            (b[word] >> lowest & 1).cmp(&(a[word] >> lowest & 1))
        })
    })
}
