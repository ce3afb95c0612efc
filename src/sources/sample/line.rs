//! Rows as the generator makes them: a [`Charge`] is numbers and a reference to a [`Line`], which holds its texts.
//! Lines are few and charges are many, so a charge costs no allocation.

use std::collections::HashMap;

use crate::model::{ALL_TEXTS, Amount, AmountError, Day, NULL, Text};

/// Decimal places of prices.
pub const PRICE_SCALE: u32 = 6;
/// Decimal places of costs, and of quantities in a [`Charge`].
pub const COST_SCALE: u32 = 10;
/// Decimal places of metered quantities; price times quantity is then a cost without rounding.
pub(super) const QUANTITY_SCALE: u32 = COST_SCALE - PRICE_SCALE;
/// One hour, gigabyte or other unit as a metered quantity.
pub(super) const UNIT: i64 = 10_i64.pow(QUANTITY_SCALE);
/// From a metered quantity to a quantity in a [`Charge`].
pub(super) const TO_CHARGE: i64 = 10_i64.pow(PRICE_SCALE);
/// From a price to the cost of one whole unit.
pub(super) const TO_COST: i64 = UNIT;

/// One row of a bill. Costs and quantities count 10^-10, prices 10^-6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Which line of the catalogue holds the texts.
    pub line: u32,
    /// Invoice as a symbol of the catalogue; [`NULL`] while the month is open.
    pub invoice: u32,
    /// First day of the charge.
    pub start: Day,
    /// Day after the last.
    pub end: Day,
    /// Quantity in the pricing unit; `None` on taxes, credits and adjustments.
    pub quantity: Option<i64>,
    /// True where the quantity was consumed too: usage, but not the unused part of a commitment.
    pub consumed: bool,
    /// Public price of one unit.
    pub list_price: Option<i64>,
    /// Negotiated price of one unit.
    pub contracted_price: Option<i64>,
    /// Invoice basis.
    pub billed: i64,
    /// Amortised cost.
    pub effective: i64,
    /// At the negotiated price.
    pub contracted: i64,
    /// At the public price.
    pub list: i64,
    /// Amount of the commitment that was bought, used or left.
    pub commitment: Option<i64>,
}

impl Charge {
    /// A charge whose four costs are the same, as taxes, credits and adjustments are.
    pub(super) fn flat(line: u32, start: Day, end: Day, cost: i64) -> Self {
        Self {
            line,
            invoice: NULL,
            start,
            end,
            quantity: None,
            consumed: false,
            list_price: None,
            contracted_price: None,
            billed: cost,
            effective: cost,
            contracted: cost,
            list: cost,
            commitment: None,
        }
    }
}

/// The exact amount of a count of 10^-`scale`.
///
/// # Errors
/// Never for counts of the sample; the type says what could be wrong with others.
pub fn amount(count: i64, scale: u32) -> Result<Amount, AmountError> {
    Amount::from_parts(ethnum::I256::from(count), scale)
}

/// The texts of a row: one symbol per text column, [`NULL`] for null.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    texts: [u32; ALL_TEXTS.len()],
}

impl Line {
    /// The symbol of a column.
    #[must_use]
    pub const fn symbol(&self, column: Text) -> u32 {
        self.texts[column as usize]
    }
}

/// All lines and the texts that they share.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    lines: Vec<Line>,
    texts: Vec<Box<str>>,
    places: HashMap<Box<str>, u32>,
}

impl Lines {
    /// A line of nulls to build others from.
    pub(super) const EMPTY: Line = Line { texts: [NULL; ALL_TEXTS.len()] };

    /// The symbol of a text.
    pub(super) fn symbol(&mut self, text: &str) -> u32 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = u32::try_from(self.texts.len()).unwrap_or(NULL);
        self.texts.push(text.into());
        self.places.insert(text.into(), place);
        place
    }

    /// `base` with some columns set.
    pub(super) fn with(&mut self, base: &Line, columns: &[(Text, &str)]) -> Line {
        let mut line = *base;
        for (column, text) in columns {
            line.texts[*column as usize] = self.symbol(text);
        }
        line
    }

    /// Adds a line.
    pub(super) fn add(&mut self, line: Line) -> u32 {
        self.lines.push(line);
        u32::try_from(self.lines.len() - 1).unwrap_or(NULL)
    }

    /// The line of a charge.
    #[must_use]
    pub fn line(&self, number: u32) -> &Line {
        &self.lines[number as usize]
    }

    /// The text of a symbol, `None` for [`NULL`].
    #[must_use]
    pub fn text(&self, symbol: u32) -> Option<&str> {
        self.texts.get(symbol as usize).map(AsRef::as_ref)
    }

    /// The text of a line in a column.
    #[must_use]
    pub fn get(&self, line: u32, column: Text) -> Option<&str> {
        self.text(self.line(line).symbol(column))
    }

    /// How many symbols there are.
    #[must_use]
    pub fn symbols(&self) -> usize {
        self.texts.len()
    }
}
