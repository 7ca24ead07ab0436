//! Numbers that depend on where they are drawn alone: SplitMix64 (Steele, Lea and Flood, "Fast splittable
//! pseudorandom number generators", 2014).

fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A word for a place.
pub(crate) fn word(place: &[u64]) -> u64 {
    place.iter().fold(0, |state, &part| {
        mix(state ^ part.wrapping_mul(0xd6e8_feb8_6659_fd93))
    })
}

/// A number from 0 up to 1 for a word.
pub(crate) fn unit(word: u64) -> f64 {
    (word >> 11) as f64 / (1u64 << 53) as f64
}

/// In which of 64 worlds each alternative of a variable holds.
pub(super) fn bits(place: u64, weights: &[f64], into: &mut [u64]) {
    for world in 0..64 {
        let mut left = unit(word(&[place, world]));
        for (&weight, chosen) in weights.iter().zip(&mut *into) {
            if left < weight {
                *chosen |= 1 << world;
                break;
            }
            left -= weight;
        }
    }
}
