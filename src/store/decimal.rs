//! How a decimal column lies in the detail grain: the narrowest Parquet decimal that holds all its values exactly.
//! Pure: amounts to arrays and back. Which form a file has is decided by its writer.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, Decimal256Array};
use arrow::datatypes::{DataType, i256};
use ethnum::I256;

use crate::model::{Amount, SCALE, Sums, power_of_ten};

/// Digits and decimal places of a column. Up to 18 digits are stored as 64-bit integers, up to 38 in 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// 18, 38 or 76.
    pub precision: u8,
    /// Decimal places.
    pub scale: u8,
    /// Digits before the point that the values may have; what the precision would still hold is not used, so that
    /// the scale can grow within it.
    pub digits: u8,
}

/// Scales are rounded up to one of these, so that a column rarely has to change its form.
const SCALES: [u8; 6] = [10, 12, 15, 18, 22, 28];
/// Integer digits that are left free for larger values to come, where that costs nothing.
const SPARE_DIGITS: u32 = 2;
/// Half of the range of narrow sums is left free, as `Sums::compact` does.
const NARROW_LIMIT: i128 = i128::MAX >> 24;

impl Form {
    /// The form that a column starts with.
    pub(crate) const FIRST: Self = Self { precision: 18, scale: 10, digits: 8 };
    /// The form that holds every amount.
    pub(crate) const WIDEST: Self = Self { precision: 76, scale: 28, digits: 48 };

    pub(crate) fn data_type(self) -> DataType {
        match self.precision {
            76 => DataType::Decimal256(76, self.scale.cast_signed()),
            precision => DataType::Decimal128(precision, self.scale.cast_signed()),
        }
    }

    /// The values as an array of this form; `None` where one of them does not fit.
    pub(crate) fn array(self, values: &[Option<Amount>]) -> Option<ArrayRef> {
        if values.iter().all(Option::is_none) {
            return Some(arrow::array::new_null_array(&self.data_type(), values.len()));
        }
        if self == Self::WIDEST {
            let units = values.iter().map(|v| v.map(|v| i256::from_le_bytes(v.units().to_le_bytes())));
            let array = Decimal256Array::from_iter(units).with_data_type(self.data_type());
            return Some(Arc::new(array));
        }
        let limit = 10_i128.pow(u32::from(self.scale + self.digits));
        let divisor = 10_i128.pow(SCALE - u32::from(self.scale));
        let fitted: Option<Vec<Option<i128>>> = values
            .iter()
            .map(|value| match value {
                None => Some(None),
                Some(amount) => mantissa(*amount, divisor).filter(|m| m.abs() < limit).map(Some),
            })
            .collect();
        Some(Arc::new(Decimal128Array::from_iter(fitted?).with_data_type(self.data_type())))
    }

    /// The narrowest form not below this one that holds all the values.
    pub(crate) fn grown(self, values: &[Option<Amount>]) -> Self {
        let mut scale = u32::from(self.scale);
        let mut largest = I256::ZERO;
        for units in values.iter().flatten().map(|amount| amount.units()) {
            largest = largest.max(units.abs());
            while scale < SCALE && units % power_of_ten(SCALE - scale) != I256::ZERO {
                scale += 1;
            }
        }
        let whole = largest / power_of_ten(SCALE);
        let needed = if whole == I256::ZERO { 0 } else { whole.to_string().len() as u32 };
        let needed = needed.max(u32::from(self.digits));
        let spare = if needed > u32::from(self.digits) { SPARE_DIGITS } else { 0 };
        let scale = u8::try_from(scale).unwrap_or(SCALES[SCALES.len() - 1]);
        let rounded = SCALES.into_iter().find(|step| *step >= scale).unwrap_or(scale);
        for precision in [18_u8, 38].into_iter().filter(|precision| *precision >= self.precision) {
            for (scale, digits) in [(rounded, needed + spare), (rounded, needed), (scale, needed)] {
                if digits + u32::from(scale) <= u32::from(precision) {
                    return Self { precision, scale, digits: u8::try_from(digits).unwrap_or(u8::MAX) };
                }
            }
        }
        Self::WIDEST
    }
}

/// The amount as a count of `10^-scale`, where `divisor` is `10^(28 - scale)`; `None` where it has finer digits
/// or does not fit 128 bits.
fn mantissa(amount: Amount, divisor: i128) -> Option<i128> {
    let units = amount.units();
    match i128::try_from(units) {
        Ok(units) => {
            let mantissa = units / divisor;
            (mantissa * divisor == units).then_some(mantissa)
        }
        Err(_wide) => {
            let divisor = I256::from(divisor);
            let mantissa = units / divisor;
            (mantissa * divisor == units).then(|| i128::try_from(mantissa).ok())?
        }
    }
}

/// The exact values of an array written by [`Form::array`]; `None` for an array of another type.
pub(crate) fn sums(array: &dyn Array) -> Option<Sums> {
    let any = array.as_any();
    if let Some(narrow) = any.downcast_ref::<Decimal128Array>() {
        let scale = u32::try_from(narrow.scale()).ok().filter(|scale| *scale <= SCALE)?;
        let present: Option<Vec<bool>> =
            narrow.nulls().filter(|nulls| nulls.null_count() > 0).map(|nulls| nulls.iter().collect());
        let mut values = narrow.values().to_vec();
        if let Some(present) = &present {
            // What stands under a null is nobody's value.
            values.iter_mut().zip(present).filter(|(_, here)| !**here).for_each(|(value, _)| *value = 0);
        }
        if values.iter().all(|value| value.abs() <= NARROW_LIMIT) {
            return Some(Sums::Narrow { scale, values, present });
        }
        let unit = power_of_ten(SCALE - scale);
        let wide = narrow.iter().map(|value| value.map(|value| Amount::from_units(I256::from(value) * unit)));
        return Some(Sums::Wide(wide.collect()));
    }
    let wide = any.downcast_ref::<Decimal256Array>().filter(|wide| wide.scale() == Form::WIDEST.scale.cast_signed())?;
    let amount = |value: i256| Amount::from_units(I256::from_le_bytes(value.to_le_bytes()));
    Some(Sums::Wide(wide.iter().map(|value| value.map(amount)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(texts: &[&str]) -> Vec<Option<Amount>> {
        texts.iter().map(|text| Amount::parse(text).ok()).collect()
    }

    fn check(texts: &[&str], precision: u8, scale: u8) {
        let values = amounts(texts);
        let form = Form::FIRST.grown(&values);
        assert_eq!((form.precision, form.scale), (precision, scale), "{texts:?}");
        let back = sums(form.array(&values).unwrap().as_ref()).unwrap();
        assert_eq!((0..values.len()).map(|row| back.get(row)).collect::<Vec<_>>(), values, "{texts:?}");
    }

    #[test]
    fn each_column_takes_the_narrowest_form_that_is_exact() {
        check(&["1.5", "", "-0.0000000001", "99999999"], 18, 10);
        check(&["100000000"], 38, 10);
        check(&["0.00000000001"], 38, 12);
        check(&["0.0000000000000000000000000001", "9999999999"], 38, 28);
        check(&["0.0000000000000000000000000001", "10000000000"], 76, 28);
        check(&["-123456789012345678901234567890.1234567890123456789012345678"], 76, 28);
        check(&["123456789012345678901234567890"], 76, 28);
        check(&["1234567890123456789012345678"], 38, 10);
        check(&["", ""], 18, 10);
    }

    #[test]
    fn a_value_that_does_not_fit_is_noticed() {
        for text in ["0.00000000001", "100000000", "123456789012345678901234567890"] {
            assert!(Form::FIRST.array(&amounts(&["1", text])).is_none(), "{text}");
        }
    }
}
