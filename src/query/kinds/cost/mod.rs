//! Kind `cost`: what was spent, by what, over time.

mod fields;

use serde::{Deserialize, Serialize};

use crate::engine::{Condition, Group, Stop, SumPlan};
use crate::model::{Calendar, Currency, Dimension, Grain, Metric, Text};
use crate::query::answer::{Answer, Notice};
use crate::query::request::{Compare, Filter, Format, GrainName, MetricName, Request};
use crate::query::run::{self, Coverage};
use crate::query::shape::{self, Top};
use crate::query::timing::{self, Buckets};
use crate::query::told::Told;
use crate::query::{Error, View, filter};

/// Most lines of an answer over time; what is beyond goes into the rest.
const MAX_SERIES: usize = 10_000;
/// Most cells that an alert rule may ask for.
const MAX_ALERT_CELLS: usize = 100_000;

/// What was spent, by what, over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(rename_all = "camelCase", default)]
pub struct CostQuery {
    /// Version of the query model that wrote this; absent means the newest.
    pub version: Option<u32>,
    /// Conditions; all must hold.
    #[cfg_attr(test, ts(as = "Option<Vec<Filter>>"))]
    pub filters: Vec<Filter>,
    /// Over time, or one row per group.
    #[cfg_attr(test, ts(as = "Option<Format>"))]
    pub format: Format,
    /// Which cost is summed.
    #[cfg_attr(test, ts(as = "Option<MetricName>"))]
    pub metric: MetricName,
    /// Dimensions to split by: FOCUS columns, `Tags.<key>`, `Client`, `Market`. At most 8.
    #[cfg_attr(test, ts(as = "Option<Vec<String>>"))]
    pub group_by: Vec<String>,
    /// How finely time is cut.
    #[cfg_attr(test, ts(as = "Option<GrainName>"))]
    pub grain: GrainName,
    /// How many groups to show, the largest first; 0 shows all.
    #[cfg_attr(test, ts(as = "Option<u32>"))]
    pub top: u32,
    /// Show the rest beyond `top` as one group "other", so that the parts add up.
    #[cfg_attr(test, ts(as = "Option<bool>"))]
    pub others: bool,
    /// Show only this billing currency. Without it, a mix of currencies is an error that names them.
    pub currency: Option<String>,
    /// IANA time zone whose days are counted; UTC without it, as in the bill.
    pub timezone: Option<String>,
    /// Running total over the range.
    #[cfg_attr(test, ts(as = "Option<bool>"))]
    pub cumulative: bool,
    /// Add the same figures for an earlier range.
    pub compare: Option<Compare>,
    /// Leave out days that the bill does not cover completely yet.
    #[cfg_attr(test, ts(as = "Option<bool>"))]
    pub exclude_incomplete: bool,
}

impl Default for CostQuery {
    fn default() -> Self {
        Self {
            version: None,
            filters: Vec::new(),
            format: Format::Timeseries,
            metric: MetricName::EffectiveCost,
            group_by: Vec::new(),
            grain: GrainName::Auto,
            top: 10,
            others: true,
            currency: None,
            timezone: None,
            cumulative: false,
            compare: None,
            exclude_incomplete: false,
        }
    }
}

/// The checked question.
#[derive(Debug)]
struct Plan {
    metric: Metric,
    group: Vec<Dimension>,
    calendar: Calendar,
    currency: Option<Currency>,
    buckets: Buckets,
    earlier: Option<Buckets>,
    over_time: bool,
}

/// Answers a cost query.
///
/// # Errors
/// [`Error`], for the author of the query.
pub(in crate::query) fn answer(
    view: &View,
    request: &Request,
    query: &CostQuery,
    stop: &Stop,
) -> Result<Answer, Error> {
    let started = std::time::Instant::now();
    let coverage = run::coverage(view);
    let mut told = Told::new(view, request.period, query.metric_name(), coverage);
    // Filters are checked before all else, so that a bad one is named even where nothing is loaded.
    let conditions = filter::compile(&query.filters)?;
    let Some(plan) = check(request, query, coverage)? else {
        told.say("sum over no day");
        return Ok(told.nothing("no complete day lies in this time range yet; turn off `excludeIncomplete` to see it"));
    };
    told.say(&plan.words(query));
    let sums = run::sum(view, &plan.sum(conditions, &plan.buckets), plan.daily(), stop)?;
    told.ran(&sums);
    told.totals(&shape::totals(&sums.groups)?, plan.metric.is_money());
    let groups = plan.one_denomination(sums.groups, Some(&mut told))?;
    let earlier = match &plan.earlier {
        None => None,
        Some(buckets) => {
            let conditions = filter::compile(&query.filters)?;
            let before = run::sum(view, &plan.sum(conditions, buckets), plan.daily(), stop)?;
            told.ran(&before);
            Some(plan.one_denomination(before.groups, None)?)
        }
    };
    let shown = plan.shown_buckets(&groups, coverage);
    if shown.is_empty() || (groups.is_empty() && earlier.as_ref().is_none_or(Vec::is_empty)) {
        return Ok(told.nothing_matched(!query.filters.is_empty()));
    }
    let top = limit(request, query, view, groups.len(), shown.len(), &mut told)?;
    let lines = shape::lines(&groups, &shown, earlier.as_deref(), top)?;
    if lines.folded > 0 && !top.others {
        told.notice(Notice::info(format!("{} smaller groups are not shown", lines.folded)));
    }
    let fields = if plan.over_time {
        fields::over_time(&plan, query, &shown, lines.series)?
    } else {
        fields::as_rows(&plan, query, request.from_alert, &shown, lines.series)?
    };
    Ok(told.answer(plan.over_time, fields, started.elapsed()))
}

impl Plan {
    /// True where bucket borders are UTC midnights.
    fn daily(&self) -> bool {
        self.calendar.is_utc() && self.buckets.grain != Grain::Hour
    }

    /// The column that keeps money of different currencies, or quantities of different units, apart.
    const fn denominator(&self) -> Dimension {
        Dimension::Column(if self.metric.is_money() { Text::BillingCurrency } else { Text::ConsumedUnit })
    }

    fn sum(&self, filters: Vec<Condition>, buckets: &Buckets) -> SumPlan {
        let mut group = vec![self.denominator()];
        group.extend(self.group.iter().cloned());
        SumPlan { number: self.metric.column(), group, filters, borders: buckets.borders.clone() }
    }

    /// The groups that may stand in one answer: of one currency or unit, unless the question splits by it.
    fn one_denomination(&self, mut groups: Vec<Group>, told: Option<&mut Told<'_>>) -> Result<Vec<Group>, Error> {
        if !self.metric.is_money() {
            // Rows without a quantity (tax, fees) have no unit and nothing to add.
            let valued = |group: &Group| group.sums.iter().any(Option::is_some);
            groups.retain(|group| shape::denomination(group).is_some() || valued(group));
        }
        let mut found: Vec<Option<Box<str>>> = groups.iter().map(shape::denomination).collect();
        found.sort();
        found.dedup();
        if let Some(currency) = self.currency.filter(|_| self.metric.is_money()) {
            let wanted = |one: &Option<Box<str>>| one.as_deref() == Some(currency.as_str());
            let others: Vec<String> = found.iter().filter(|one| !wanted(one)).map(name).collect();
            if let (Some(told), false) = (told, others.is_empty()) {
                told.notice(Notice::info(format!(
                    "only {currency} is shown; there are also charges in {}",
                    others.join(", ")
                )));
            }
            groups.retain(|group| wanted(&shape::denomination(group)));
            return Ok(groups);
        }
        if found.len() < 2 || self.group.contains(&self.denominator()) {
            return Ok(groups);
        }
        Err(if self.metric.is_money() {
            Error::MixedCurrencies {
                metric: self.metric.name().to_owned(),
                currencies: found.iter().map(name).collect(),
            }
        } else {
            Error::MixedUnits { units: found.iter().map(name).take(5).collect() }
        })
    }

    /// Buckets that the bills cover, or that have rows all the same.
    fn shown_buckets(&self, groups: &[Group], coverage: Option<Coverage>) -> Vec<usize> {
        let Some(coverage) = coverage else { return Vec::new() };
        let borders = &self.buckets.borders;
        (0..borders.len().saturating_sub(1))
            .filter(|bucket| {
                let covered = borders[bucket + 1] > coverage.start && borders[*bucket] < coverage.end;
                covered || groups.iter().any(|group| group.touched.get(*bucket).copied().unwrap_or(false))
            })
            .collect()
    }

    fn words(&self, query: &CostQuery) -> String {
        let mut words = format!("sum of {}", self.metric.name());
        if !self.group.is_empty() {
            let names: Vec<String> = self.group.iter().map(ToString::to_string).collect();
            words += &format!(" by {}", names.join(", "));
            if query.top > 0 {
                words += &format!(" (top {}{})", query.top, if query.others { " and the rest" } else { "" });
            }
        }
        words += match self.buckets.grain {
            Grain::Hour => " per hour",
            Grain::Day => " per day",
            Grain::Week => " per week",
            Grain::Month => " per month",
            Grain::Quarter => " per quarter",
            Grain::Total => " in all",
        };
        if let (Some(from), Some(to)) = (self.buckets.borders.first(), self.buckets.borders.last()) {
            words += &format!(", {from:?} to {to:?} ({})", self.calendar.zone);
        }
        for filter in &query.filters {
            let values: Vec<String> = filter.values.iter().take(5).map(|value| filter::shorten(value)).collect();
            let more = if filter.values.len() > 5 { ", …" } else { "" };
            words += &format!(", {} {} [{}{more}]", filter.key, filter.operator.sign(), values.join(", "));
        }
        if let Some(currency) = self.currency {
            words += &format!(", only {currency}");
        }
        if let Some((from, to)) = self.earlier.as_ref().and_then(|b| Some((b.borders.first()?, b.borders.last()?))) {
            words += &format!("; compared with {from:?} to {to:?}");
        }
        words
    }
}

impl CostQuery {
    const fn metric_name(&self) -> &'static str {
        match self.metric {
            MetricName::EffectiveCost => "EffectiveCost",
            MetricName::BilledCost => "BilledCost",
            MetricName::ContractedCost => "ContractedCost",
            MetricName::ListCost => "ListCost",
            MetricName::ConsumedQuantity => "ConsumedQuantity",
        }
    }
}

fn name(denomination: &Option<Box<str>>) -> String {
    denomination.as_deref().map_or_else(|| "none".to_owned(), filter::shorten)
}

/// How many lines may be shown: as asked, within what an answer may hold.
fn limit(
    request: &Request,
    query: &CostQuery,
    view: &View,
    groups: usize,
    buckets: usize,
    told: &mut Told<'_>,
) -> Result<Top, Error> {
    let asked = usize::try_from(query.top).unwrap_or(usize::MAX);
    let shown = if asked == 0 { groups } else { asked.min(groups) };
    if request.from_alert && shown.saturating_mul(buckets) > MAX_ALERT_CELLS {
        return Err(Error::TooMuch {
            what: "cells (groups times time buckets)",
            found: (shown as u64).saturating_mul(buckets as u64),
            limit: MAX_ALERT_CELLS as u64,
            hint: "an alert rule needs fewer: group by fewer dimensions, set `top`, or choose a coarser grain",
        });
    }
    let most = MAX_SERIES.min(usize::try_from(view.row_limit).unwrap_or(MAX_SERIES)).max(1);
    if shown > most {
        told.notice(Notice::warning(format!("{groups} groups, the largest {most} are shown")));
        return Ok(Top { groups: most, others: true });
    }
    Ok(Top { groups: asked, others: query.others })
}

fn check(request: &Request, query: &CostQuery, coverage: Option<Coverage>) -> Result<Option<Plan>, Error> {
    let metric = match query.metric {
        MetricName::EffectiveCost => Metric::EffectiveCost,
        MetricName::BilledCost => Metric::BilledCost,
        MetricName::ContractedCost => Metric::ContractedCost,
        MetricName::ListCost => Metric::ListCost,
        MetricName::ConsumedQuantity => Metric::ConsumedQuantity,
    };
    let group = filter::group_by(&query.group_by)?;
    let calendar = match query.timezone.as_deref().map(str::trim).filter(|zone| !zone.is_empty()) {
        None => Calendar::UTC,
        Some(zone) => {
            filter::resolved(zone, "timezone")?;
            Calendar::named(zone).ok_or_else(|| {
                let allowed = "must be an IANA name such as UTC or Asia/Singapore";
                filter::out_of_range("timezone", format!("`{}`", filter::shorten(zone)), allowed)
            })?
        }
    };
    let currency = match query.currency.as_deref().map(str::trim) {
        None | Some("" | filter::ALL) => None,
        Some(code) => {
            filter::resolved(code, "currency")?;
            Some(Currency::parse(code).ok_or_else(|| {
                let allowed = "must be an ISO 4217 code such as USD";
                filter::out_of_range("currency", format!("`{}`", filter::shorten(code)), allowed)
            })?)
        }
    };
    let mut period = request.period;
    if let (true, Some(coverage)) = (query.exclude_incomplete, coverage) {
        // Days of the asked zone that end by then are complete.
        let complete = calendar.floor(coverage.complete_until, Grain::Day);
        period.end = period.end.min(complete);
        if period.end <= period.start {
            return Ok(None);
        }
    }
    let over_time = query.format == Format::Timeseries && query.grain != GrainName::Total;
    let grain = timing::grain(query.grain, period, request.interval_ms, request.max_data_points, over_time);
    let buckets = timing::cut(period, grain, calendar, request.from_alert)?;
    let earlier = match query.compare {
        None => None,
        Some(compare) => {
            // Days that the bill does not cover yet are compared with no days, not with full ones.
            let mut covered = period;
            if let Some(coverage) = coverage.filter(|c| c.end > period.start) {
                covered.end = covered.end.min(coverage.end);
            }
            Some(timing::cut(timing::earlier(covered, compare, calendar), grain, calendar, request.from_alert)?)
        }
    };
    Ok(Some(Plan { metric, group, calendar, currency, buckets, earlier, over_time }))
}
