//! Makers for the tests of this room: bills in three words.

use crate::model::{Amount, Coded, DAY, Instant, Number, Rows, Text};

/// Usage rows of `(day, service, cost)` in USD.
pub(super) fn bill(rows: &[(&str, &str, &str)]) -> Rows {
    let day = |text: &str| {
        let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap();
        Instant::from_utc(date.and_hms_opt(0, 0, 0).unwrap()).unwrap()
    };
    let starts: Vec<Instant> = rows.iter().map(|row| day(row.0)).collect();
    let ends = starts.iter().map(|start| Instant(start.0 + DAY)).collect();
    let months: Vec<Instant> = starts.iter().map(|start| start.month().start()).collect();
    let month_ends = starts.iter().map(|start| start.month().next().start()).collect();
    let mut bill = Rows::with_periods(starts, ends, months, month_ends);
    bill.set_text(Text::ServiceName, Coded::from_texts(rows.iter().map(|row| Some(row.1))));
    bill.set_text(Text::BillingCurrency, Coded::from_texts(rows.iter().map(|_| Some("USD"))));
    bill.set_text(Text::ChargeCategory, Coded::from_texts(rows.iter().map(|_| Some("Usage"))));
    let costs: Vec<Option<Amount>> = rows.iter().map(|row| Some(Amount::parse(row.2).unwrap())).collect();
    bill.set_number(Number::BilledCost, costs.clone());
    bill.set_number(Number::EffectiveCost, costs);
    bill
}
