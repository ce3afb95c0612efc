//! Pseudo-random numbers that can be asked for by name: the same parts always give the same number.
//! Nothing here keeps state, so any month of the sample can be made alone and in any order.

/// The seed of the sample. Another number gives another company.
pub(super) const SEED: u64 = 0x0571_A1D5_2026_0701;

/// A well-mixed number of the seed and the given parts.
pub(super) fn mixed(parts: &[u64]) -> u64 {
    parts.iter().fold(step(SEED), |state, part| step(state ^ part.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// One step of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
fn step(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number for a text (FNV-1a, then mixed).
pub(super) fn of_text(text: &str) -> u64 {
    let folded = text
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    mixed(&[folded])
}

/// `base` moved by up to `spread` thousandths of it, up or down.
pub(super) fn jitter(base: i64, spread: u64, number: u64) -> i64 {
    let permille = i64::try_from(number % (2 * spread + 1)).unwrap_or(0) - i64::try_from(spread).unwrap_or(0);
    base + base * permille / 1000
}

/// `length` characters of `alphabet`, chosen by a number.
pub(super) fn letters(number: u64, alphabet: &[u8], length: usize) -> String {
    (0..length)
        .map(|at| {
            let pick = mixed(&[number, at as u64]) % alphabet.len() as u64;
            char::from(alphabet[pick as usize])
        })
        .collect()
}

/// Digits and capitals, as AWS writes its SKU ids.
pub(super) const CAPITALS: &[u8] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// Hexadecimal digits.
pub(super) const HEX: &[u8] = b"0123456789abcdef";
/// Decimal digits.
pub(super) const DIGITS: &[u8] = b"0123456789";

/// A made-up UUID for a name.
pub(super) fn uuid(name: &str) -> String {
    let digits = letters(of_text(name), HEX, 30);
    format!("{}-{}-4{}-a{}-{}", &digits[..8], &digits[8..12], &digits[12..15], &digits[15..18], &digits[18..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_give_the_same_number_and_others_another() {
        assert_eq!(mixed(&[1, 2]), mixed(&[1, 2]));
        assert_ne!(mixed(&[1, 2]), mixed(&[2, 1]));
        assert_ne!(of_text("a"), of_text("b"));
        assert_eq!(uuid("x").len(), 36);
        assert!((0..1000).all(|n| (900..=1100).contains(&jitter(1000, 100, mixed(&[n])))));
    }
}
