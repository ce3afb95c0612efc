//! A second, independent sum of the costs of a file: it shares the decoder with the canonical rows and nothing else,
//! so that a mistake on one of the two ways shows before anything is committed.

use std::collections::BTreeMap;

use ethnum::I256;

use crate::model::{Amount, SCALE};
use crate::sources::cells::Cells;

/// ISO 4217 for "no currency".
const NO_CURRENCY: &str = "XXX";

/// Sums by name (a cost column, a currency) and decimal places.
#[derive(Debug, Default)]
pub(in crate::sources) struct Control {
    sums: Vec<(&'static str, String, i64, I256)>,
}

impl Control {
    /// Adds the costs of the rows that `counts` picks. A cell that is no number adds nothing.
    pub(in crate::sources) fn add(
        &mut self,
        column: &'static str,
        costs: &Cells,
        currencies: Option<&Cells>,
        counts: impl Fn(usize) -> bool,
    ) {
        let mut at = 0;
        for row in (0..costs.len()).filter(|row| counts(*row)) {
            let Some((count, scale)) = number(costs, row) else { continue };
            let currency = currencies.and_then(|cells| currency(cells, row)).unwrap_or(NO_CURRENCY);
            let here = |sum: &(&str, String, i64, I256)| sum.0 == column && sum.2 == scale && sum.1 == currency;
            if !self.sums.get(at).is_some_and(here) {
                at = self.sums.iter().position(here).unwrap_or_else(|| {
                    self.sums.push((column, currency.to_owned(), scale, I256::ZERO));
                    self.sums.len() - 1
                });
            }
            if let Some(sum) = self.sums.get_mut(at) {
                // Past 256 bits the canonical sum fails first; saturating keeps the two from agreeing by a wrap.
                sum.3 = sum.3.saturating_add(count);
            }
        }
    }

    /// The sums as exact texts, by `<column> <currency>`.
    pub(in crate::sources) fn totals(&self) -> BTreeMap<String, String> {
        let mut totals: BTreeMap<String, I256> = BTreeMap::new();
        for (column, currency, scale, sum) in &self.sums {
            let total = totals.entry(format!("{column} {}", currency.trim().to_ascii_uppercase())).or_default();
            *total = total.saturating_add(at_full_scale(*sum, *scale));
        }
        totals.into_iter().map(|(name, units)| (name, Amount::from_units(units).to_string())).collect()
    }
}

fn at_full_scale(sum: I256, scale: i64) -> I256 {
    let places = i64::from(SCALE) - scale;
    let factor = u32::try_from(places.unsigned_abs()).ok().and_then(|places| I256::new(10).checked_pow(places));
    match factor {
        None => I256::ZERO,
        Some(factor) if places >= 0 => sum.saturating_mul(factor),
        Some(factor) => sum / factor,
    }
}

/// The cell where it names a currency.
fn currency(cells: &Cells, row: usize) -> Option<&str> {
    let Cells::Texts(texts) = cells else { return None };
    texts.get(row).filter(|text| text.trim().len() == 3 && text.trim().bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// An integer count and the decimal places it is counted in.
fn number(cells: &Cells, row: usize) -> Option<(I256, i64)> {
    match cells {
        Cells::Plain(texts) | Cells::Doubles(texts) => decimal(texts.get(row).trim()),
        Cells::Decimals { scale, values } => Some((values.get(row).copied().flatten()?, i64::from(*scale))),
        Cells::Texts(texts) | Cells::Nested(texts) => decimal(texts.get(row)?.trim()),
        Cells::Times { .. } => None,
    }
}

/// Sign, digits, point, digits, exponent; by splitting the text, not by walking it.
fn decimal(text: &str) -> Option<(I256, i64)> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let bare = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !bare(whole) || !bare(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let places = u32::try_from(fraction.len()).ok()?;
    let count = narrow(whole, fraction, places).or_else(|| wide(whole, fraction, places))?;
    Some((if text.starts_with('-') { -count } else { count }, i64::from(places) - exponent))
}

/// Up to 38 digits fit 128 bits: the usual case, and the fast one.
fn narrow(whole: &str, fraction: &str, places: u32) -> Option<I256> {
    let part = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u128>().ok() };
    let count = part(whole)?.checked_mul(10_u128.checked_pow(places)?)?.checked_add(part(fraction)?)?;
    Some(I256::from(count))
}

fn wide(whole: &str, fraction: &str, places: u32) -> Option<I256> {
    let part = |text: &str| if text.is_empty() { Some(I256::ZERO) } else { text.parse::<I256>().ok() };
    part(whole)?.checked_mul(I256::new(10).checked_pow(places)?)?.checked_add(part(fraction)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AmountError;

    proptest::proptest! {
        #[test]
        fn both_ways_read_the_same_number(text in r"[-+]?[0-9]{0,12}\.?[0-9]{0,12}([eE]-?[0-9]{1,1})?") {
            // Past 30 integer digits a row is rejected, so the control sum never meets such a number.
            let canonical = Amount::parse(&text);
            let control = decimal(&text).map(|(count, scale)| at_full_scale(count, scale));
            match canonical {
                Ok(amount) => proptest::prop_assert_eq!(control, Some(amount.units())),
                Err(AmountError::NotANumber) => proptest::prop_assert_eq!(control, None),
                Err(_limits) => {}
            }
        }
    }
}
