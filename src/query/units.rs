//! Currencies and quantities as display units.

use crate::model::Currency;

/// Codes that Grafana formats by itself, as `currency<code>`.
const KNOWN: [&str; 28] = [
    "USD", "GBP", "EUR", "JPY", "RUB", "UAH", "BRL", "DKK", "ISK", "NOK", "SEK", "CZK", "CHF", "PLN", "ZAR", "INR",
    "KRW", "IDR", "PHP", "VND", "TRY", "MYR", "XPF", "BGN", "PYG", "UYU", "ILS", "BTC",
];

/// Symbols of currencies that Grafana has no unit for.
const SYMBOLS: [(&str, &str); 6] =
    [("SGD", "S$"), ("HKD", "HK$"), ("THB", "฿"), ("AUD", "A$"), ("NZD", "NZ$"), ("TWD", "NT$")];

/// The display unit of money in a currency; the code itself where there is no better symbol.
pub(super) fn money(currency: Currency) -> Option<String> {
    let code = currency.as_str();
    if currency == Currency::NONE {
        return None;
    }
    if let Some((_, symbol)) = SYMBOLS.iter().find(|(known, _)| *known == code) {
        return Some(format!("currency:{symbol}"));
    }
    Some(if KNOWN.contains(&code) { format!("currency{code}") } else { format!("currency:{code} ") })
}

/// Decimal places to show; `None` lets the panel choose.
pub(super) fn decimals(currency: Currency) -> Option<u16> {
    (currency.minor_digits() == 0).then_some(0)
}

/// The display unit of a consumed quantity.
pub(super) fn quantity(unit: Option<&str>) -> Option<String> {
    unit.map(|unit| format!("suffix: {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_shown_with_its_own_sign() {
        let unit = |code| money(Currency::parse(code).unwrap());
        assert_eq!(unit("USD").as_deref(), Some("currencyUSD"));
        assert_eq!(unit("SGD").as_deref(), Some("currency:S$"));
        assert_eq!(unit("KWD").as_deref(), Some("currency:KWD "));
        assert_eq!(unit("XXX"), None);
        assert_eq!(decimals(Currency::parse("JPY").unwrap()), Some(0));
    }
}
