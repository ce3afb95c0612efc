//! A column of cells as canonical texts: nulls in their many words, and closed lists in any spelling.

use super::marks::Marks;
use crate::model::{Coded, Currency, NULL};
use crate::sources::cells::Cells;

const PLACEHOLDER: &str = "Unassigned";

/// Texts that say "no value", blanks around them apart. FOCUS wants NULL; the others are seen in real files.
pub(in crate::sources) fn is_null_word(text: &str) -> bool {
    let text = text.trim();
    text.is_empty()
        || text.eq_ignore_ascii_case("null")
        || matches!(text, "{}" | "[]")
        || text.eq_ignore_ascii_case(PLACEHOLDER)
}

/// The texts of a column, nulls as nulls.
pub(in crate::sources) fn texts(cells: Cells, column: &'static str, marks: &mut Marks<'_>) -> Coded {
    let mut texts = cells.into_coded();
    let nulls: Vec<bool> = texts.values.iter().map(|text| is_null_word(text)).collect();
    if nulls.contains(&true) {
        // `Unassigned` is a word for null that no standard knows, so it counts as a repair.
        let placeholders: Vec<bool> =
            texts.values.iter().map(|text| text.trim().eq_ignore_ascii_case(PLACEHOLDER)).collect();
        let rows = rows_where(&texts.codes, |code| is_true(&placeholders, code));
        marks.repaired("placeholder", column, rows, |_row| PLACEHOLDER);
        for code in &mut texts.codes {
            if is_true(&nulls, *code) {
                *code = NULL;
            }
        }
    }
    texts
}

fn is_true(flags: &[bool], code: u32) -> bool {
    flags.get(code as usize).copied().unwrap_or(false)
}

fn rows_where(codes: &[u32], wanted: impl Fn(u32) -> bool) -> Vec<usize> {
    codes.iter().enumerate().filter(|(_row, code)| wanted(**code)).map(|(row, _code)| row).collect()
}

/// Texts of a closed list: another spelling becomes the list's, an older name its successor; both are counted, and so is
/// a value outside the list, which stays as read.
pub(in crate::sources) fn listed(
    texts: Coded,
    list: &[&'static str],
    renamed: &[(&str, &'static str)],
    column: &'static str,
    marks: &mut Marks<'_>,
) -> Coded {
    let read: Vec<(&str, &str)> = texts.values.iter().map(|text| place(text, list, renamed)).collect();
    if read.iter().all(|(_name, found)| found.is_empty()) {
        return texts;
    }
    for code in ["enum-spelling", "enum-unknown", "renamed"] {
        let rows = rows_where(&texts.codes, |at| read.get(at as usize).is_some_and(|(_name, found)| *found == code));
        if code == "renamed" {
            marks.converted(&format!("renamed-values:{column}"), rows);
        } else {
            marks.repaired(code, column, rows, |row| texts.get(row).unwrap_or_default());
        }
    }
    Coded::from_texts(texts.codes.iter().map(|code| read.get(*code as usize).map(|(name, _found)| *name)))
}

/// The list's name for a text, and what had to be done for it.
fn place<'a>(text: &'a str, list: &[&'static str], renamed: &[(&str, &'static str)]) -> (&'a str, &'static str) {
    if list.contains(&text) {
        return (text, "");
    }
    if let Some(name) = list.iter().find(|name| same_word(name, text)) {
        return (name, "enum-spelling");
    }
    if let Some((_old, name)) = renamed.iter().find(|(old, _name)| same_word(old, text)) {
        return (name, "renamed");
    }
    (text, "enum-unknown")
}

/// Equal but for case, blanks and punctuation: `usage-based`, `UsageBased`, `Usage Based`.
fn same_word(left: &str, right: &str) -> bool {
    let letters =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect::<String>();
    letters(left) == letters(right)
}

/// ISO 4217 codes in upper case. A row whose cell is none is rejected: its cost would belong to no total.
pub(in crate::sources) fn currencies(cells: &Cells, column: &'static str, marks: &mut Marks<'_>) -> Coded {
    let texts = cells.to_coded();
    let read: Vec<Option<String>> =
        texts.values.iter().map(|text| Currency::parse(text).map(|currency| currency.to_string())).collect();
    for (row, code) in texts.codes.iter().enumerate() {
        match read.get(*code as usize) {
            Some(Some(_currency)) => {}
            Some(None) if !is_null_word(texts.get(row).unwrap_or_default()) => {
                marks.reject(row, "not-a-currency", column, || texts.get(row).unwrap_or_default());
            }
            None | Some(None) => marks.reject(row, "missing", column, || ""),
        }
    }
    let spelled = |code: u32| {
        let pair = read.get(code as usize).zip(texts.values.get(code as usize));
        pair.is_some_and(|(currency, text)| {
            currency.as_ref().is_some_and(|currency| currency.as_str() != text.as_ref())
        })
    };
    let rows = rows_where(&texts.codes, spelled);
    marks.repaired("enum-spelling", column, rows, |row| texts.get(row).unwrap_or_default());
    Coded::from_texts(texts.codes.iter().map(|code| read.get(*code as usize).and_then(|currency| currency.as_deref())))
}

/// Notes the nulls of a column that must not have any; they stay null, for missing is not zero.
pub(in crate::sources) fn note_missing<T>(
    values: impl Iterator<Item = Option<T>>,
    column: &'static str,
    marks: &mut Marks<'_>,
) {
    let rows: Vec<usize> = values.enumerate().filter(|(_row, value)| value.is_none()).map(|(row, _null)| row).collect();
    marks.repaired("missing", column, rows, |_row| "");
}
