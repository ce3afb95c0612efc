//! Exact money: decimal amounts at a fixed scale of 28, and totals that are kept apart by currency.
//! An [`Amount`] has no `+`: adding is a named, checked step, and only [`Totals`] adds money, per currency.

use std::collections::BTreeMap;
use std::fmt;

use ethnum::{I256, U256};

/// Decimal places that every amount carries; the widest seen in real bills (Azure amortised cost) is 28.
pub const SCALE: u32 = 28;

/// Largest number of digits before the decimal point; sums of 10^12 rows of this size still fit 256 bits.
pub const MAX_INTEGER_DIGITS: u32 = 30;

/// An exact decimal number: an integer count of 10^-28.
///
/// The ordering is numeric. There is no `+` on purpose: see [`Amount::checked_add`] and [`Totals`].
///
/// ```compile_fail
/// use outlay::model::Amount;
/// let _ = Amount::ZERO + Amount::ZERO; // money is added per currency, by name
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(I256);

/// Why a text or number is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The text is not a decimal number.
    #[error("not a decimal number")]
    NotANumber,
    /// More than 28 decimal places that are not zero.
    #[error("more than 28 decimal places")]
    TooFine,
    /// More than 30 digits before the decimal point.
    #[error("more than 30 digits before the decimal point")]
    TooLarge,
}

impl Amount {
    /// Zero.
    pub const ZERO: Self = Self(I256::ZERO);

    /// The amount of `units` times 10^-28.
    #[must_use]
    pub const fn from_units(units: I256) -> Self {
        Self(units)
    }

    /// The count of 10^-28 in this amount.
    #[must_use]
    pub const fn units(self) -> I256 {
        self.0
    }

    /// The amount `mantissa` times 10^-`scale`.
    ///
    /// # Errors
    /// [`AmountError::TooFine`] where digits past the 28th place are not zero, [`AmountError::TooLarge`] past 30 integer digits.
    pub fn from_parts(mantissa: I256, scale: u32) -> Result<Self, AmountError> {
        let units = if scale <= SCALE {
            let (high, low) = mantissa.into_words();
            // A mantissa of 128 bits times at most 10^28 cannot leave 256 bits; the checked product divides, and is slow.
            if high == low >> 127 {
                mantissa.wrapping_mul(power_of_ten(SCALE - scale))
            } else {
                mantissa.checked_mul(power_of_ten(SCALE - scale)).ok_or(AmountError::TooLarge)?
            }
        } else {
            let spare = scale - SCALE;
            if spare > 76 {
                return if mantissa == I256::ZERO { Ok(Self::ZERO) } else { Err(AmountError::TooFine) };
            }
            let divisor = power_of_ten(spare);
            if mantissa % divisor != I256::ZERO {
                return Err(AmountError::TooFine);
            }
            mantissa / divisor
        };
        if units.unsigned_abs() >= power_of_ten(SCALE + MAX_INTEGER_DIGITS).unsigned_abs() {
            return Err(AmountError::TooLarge);
        }
        Ok(Self(units))
    }

    /// Reads decimal text: an optional sign, digits with an optional point, an optional exponent (`8E-8`).
    /// Commas, currency signs and blanks are the caller's to repair; here they are errors.
    ///
    /// # Errors
    /// [`AmountError`], by what is wrong.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let bytes = text.as_bytes();
        let (negative, mut rest) = match bytes.first() {
            Some(b'-') => (true, &bytes[1..]),
            Some(b'+') => (false, &bytes[1..]),
            _ => (false, bytes),
        };
        let mut exponent: i64 = 0;
        if let Some(at) = rest.iter().position(|b| matches!(b, b'e' | b'E')) {
            let digits = std::str::from_utf8(&rest[at + 1..]).map_err(|_utf8| AmountError::NotANumber)?;
            exponent = digits.parse().map_err(|_digits| AmountError::NotANumber)?;
            rest = &rest[..at];
        }
        // Up to 38 digits fit a u128 and are by far the usual case; longer ones go through 256 bits.
        let mut mantissa: u128 = 0;
        let mut wide = I256::ZERO;
        let mut significant = 0_u32;
        let mut scale: i64 = 0;
        let (mut any, mut point) = (false, false);
        for &byte in rest {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    let digit = u128::from(byte - b'0');
                    if significant > 0 || digit > 0 {
                        significant += 1;
                    }
                    if significant <= 38 {
                        mantissa = mantissa * 10 + digit;
                    } else if significant <= 76 {
                        if significant == 39 {
                            wide = I256::from(mantissa);
                        }
                        wide = wide * I256::new(10) + I256::from(byte - b'0');
                    } else {
                        return Err(if point { AmountError::TooFine } else { AmountError::TooLarge });
                    }
                    scale += i64::from(point);
                }
                b'.' if !point => point = true,
                _ => return Err(AmountError::NotANumber),
            }
        }
        if !any {
            return Err(AmountError::NotANumber);
        }
        let mut value = if significant > 38 { wide } else { I256::from(mantissa) };
        if value == I256::ZERO {
            return Ok(Self::ZERO);
        }
        if negative {
            value = -value;
        }
        let scale = scale.saturating_sub(exponent);
        if scale < 0 {
            let up = u32::try_from(-scale).ok().filter(|up| *up <= 60).ok_or(AmountError::TooLarge)?;
            let scaled = value.checked_mul(power_of_ten(up)).ok_or(AmountError::TooLarge)?;
            return Self::from_parts(scaled, 0);
        }
        Self::from_parts(value, u32::try_from(scale).unwrap_or(u32::MAX))
    }

    /// A binary float through its shortest round-trip text, never by scaling: `0.1_f64` becomes exactly 0.1.
    /// AWS delivers its Parquet costs as DOUBLE, so this is the one way from there to exact money.
    ///
    /// # Errors
    /// [`AmountError::NotANumber`] for NaN and infinities, else as [`Amount::parse`].
    pub fn from_shortest(value: f64) -> Result<Self, AmountError> {
        if !value.is_finite() {
            return Err(AmountError::NotANumber);
        }
        Self::parse(&format!("{value:e}"))
    }

    /// The sum, or `None` where it leaves 256 bits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` where it leaves 256 bits.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// True for exactly zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == I256::ZERO
    }

    /// The float nearest to the exact value; for display at the edge only, never for sums.
    #[must_use]
    pub fn to_nearest_f64(self) -> f64 {
        match short_f64(self.0.unsigned_abs()) {
            Some(magnitude) if self.0 < I256::ZERO => -magnitude,
            Some(magnitude) => magnitude,
            None => self.to_string().parse().unwrap_or(f64::NAN),
        }
    }
}

/// The nearest float of units that have few digits once their trailing zeros are gone, as nearly all costs have: then
/// both sides of one division are exact floats, so that its result is the nearest one. A hundred times the speed of text.
fn short_f64(units: U256) -> Option<f64> {
    const EXACT: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ];
    let mut digits = u128::try_from(units).ok()?;
    if digits == 0 {
        return Some(0.0);
    }
    let mut scale = SCALE;
    for step in [16, 8, 4, 2, 1] {
        let power = 10_u128.pow(step);
        if scale >= step && digits % power == 0 {
            digits /= power;
            scale -= step;
        }
    }
    let divisor = EXACT.get(scale as usize)?;
    // Up to 2^53 every whole number is a float.
    (digits <= 1 << 53).then(|| digits as f64 / divisor)
}

/// The exact value as plain decimal text, without exponent and without trailing zeros.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:0>29}", self.0.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - SCALE as usize);
        let fraction = fraction.trim_end_matches('0');
        let sign = if self.0 < I256::ZERO { "-" } else { "" };
        if fraction.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// 10^`exponent`, for exponents up to 76.
#[must_use]
pub fn power_of_ten(exponent: u32) -> I256 {
    POWERS[exponent as usize]
}

/// Every amount is scaled by one of these, so they are not worked out each time.
static POWERS: [I256; 77] = {
    let mut powers = [I256::ONE; 77];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = times_ten(powers[at - 1]);
        at += 1;
    }
    powers
};

/// Ten times a positive number: eight times and two times, by shifts, for the compiler knows no product of 256 bits.
const fn times_ten(number: I256) -> I256 {
    let (high, low) = number.into_words();
    let (high, low) = (high.cast_unsigned(), low.cast_unsigned());
    let (sum, carry) = (low << 3).overflowing_add(low << 1);
    let high = (high << 3 | low >> 125) + (high << 1 | low >> 127) + carry as u128;
    I256::from_words(high.cast_signed(), sum.cast_signed())
}

/// An ISO 4217 currency code, such as `USD`. `XXX` (ISO 4217: no currency) stands where a bill names none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// ISO 4217 `XXX`, "no currency involved".
    pub const NONE: Self = Self(*b"XXX");

    /// Reads a three-letter code, in any case, blanks around it ignored; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.trim().as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_alphabetic).then(|| Self(code.map(|b| b.to_ascii_uppercase())))
    }

    /// The code, upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Decimal places of its smallest unit in circulation (ISO 4217): 0 for JPY, KRW, VND; 3 for KWD; mostly 2.
    #[must_use]
    pub fn minor_digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A sum left the range of 256 bits; with rows limited to 30 integer digits this needs more than 10^18 rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a sum left the range of exact amounts")]
pub struct Overflow;

/// Money totals, kept apart by currency: two currencies never meet in one number.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Totals(BTreeMap<Currency, Amount>);

impl Totals {
    /// Adds an amount to the total of its currency.
    ///
    /// # Errors
    /// [`Overflow`] where the total would leave 256 bits.
    pub fn add(&mut self, currency: Currency, amount: Amount) -> Result<(), Overflow> {
        let total = self.0.entry(currency).or_default();
        *total = total.checked_add(amount).ok_or(Overflow)?;
        Ok(())
    }

    /// Adds all of another's totals.
    ///
    /// # Errors
    /// [`Overflow`] as [`Totals::add`].
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        other.iter().try_for_each(|(currency, amount)| self.add(currency, amount))
    }

    /// Total of one currency, `None` where nothing of it was added.
    #[must_use]
    pub fn get(&self, currency: Currency) -> Option<Amount> {
        self.0.get(&currency).copied()
    }

    /// The totals in the order of their currency codes.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, Amount)> + '_ {
        self.0.iter().map(|(currency, amount)| (*currency, *amount))
    }

    /// The currencies present, in order.
    #[must_use]
    pub fn currencies(&self) -> Vec<Currency> {
        self.0.keys().copied().collect()
    }
}

impl fmt::Debug for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(Amount::parse(text).map(|a| a.to_string()), Ok(expected.to_owned()), "{text}");
    }

    #[test]
    fn decimal_text_is_read_exactly() {
        check("0.00000080000", "0.0000008");
        check("8E-8", "0.00000008");
        check("1.385e-05", "0.00001385");
        check("+1", "1");
        check("-12.50", "-12.5");
        check(".5", "0.5");
        check("1E3", "1000");
        check("16.2969321366366446274854190000", "16.296932136636644627485419");
        check("0.0000000000000000000000000001", "0.0000000000000000000000000001");
        check("0.00000000000000000000000000010000000", "0.0000000000000000000000000001");
        check("-0", "0");
        check("123456789012345678901234567890", "123456789012345678901234567890");
        check(
            "123456789012345678901234567890.1234567890123456789012345678",
            "123456789012345678901234567890.1234567890123456789012345678",
        );
    }

    #[test]
    fn what_is_no_amount_says_why() {
        for (text, why) in [
            ("", AmountError::NotANumber),
            ("abc", AmountError::NotANumber),
            ("1,5", AmountError::NotANumber),
            ("1.2.3", AmountError::NotANumber),
            ("1e", AmountError::NotANumber),
            (".", AmountError::NotANumber),
            ("1e-29", AmountError::TooFine),
            ("1e31", AmountError::TooLarge),
            ("1e99999999999999999999", AmountError::NotANumber),
            ("1e999999", AmountError::TooLarge),
            ("1e-999999", AmountError::TooFine),
        ] {
            assert_eq!(Amount::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn doubles_pass_through_their_shortest_text() {
        assert_eq!(Amount::from_shortest(0.1).map(|a| a.to_string()), Ok("0.1".into()));
        assert_eq!(Amount::from_shortest(1e-7).map(|a| a.to_string()), Ok("0.0000001".into()));
        assert_eq!(Amount::from_shortest(f64::NAN), Err(AmountError::NotANumber));
    }

    #[test]
    fn powers_of_ten_are_powers_of_ten() {
        assert!((0..=76).all(|exponent| power_of_ten(exponent) == I256::new(10).pow(exponent)));
    }

    #[test]
    fn totals_stay_apart_by_currency() {
        let mut totals = Totals::default();
        for (currency, text) in [("USD", "1.1"), ("sgd", "2"), ("USD", "-0.1")] {
            totals.add(Currency::parse(currency).unwrap(), Amount::parse(text).unwrap()).unwrap();
        }
        assert_eq!(format!("{totals:?}"), "{SGD: 2, USD: 1}");
    }

    #[test]
    fn a_sum_past_256_bits_is_an_error_not_a_wrap() {
        let huge = Amount::from_units(I256::MAX);
        assert_eq!(huge.checked_add(Amount::from_units(I256::new(1))), None);
    }

    proptest::proptest! {
        #[test]
        fn text_round_trips(units in proptest::prelude::any::<i128>()) {
            let amount = Amount::from_units(I256::from(units));
            proptest::prop_assert_eq!(Amount::parse(&amount.to_string()), Ok(amount));
        }

        #[test]
        fn floats_are_those_of_the_exact_text(
            digits in proptest::prelude::any::<i128>(),
            cut in 0_u32..127,
            scale in 0_u32..=28,
        ) {
            let Ok(amount) = Amount::from_parts(I256::from(digits >> cut), scale) else { return Ok(()) };
            let text: f64 = amount.to_string().parse().unwrap();
            proptest::prop_assert_eq!(amount.to_nearest_f64().to_bits(), text.to_bits(), "{}", amount);
        }
    }
}
