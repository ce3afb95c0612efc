//! Writes down one meter of a resource: its life is cut wherever a text or a price changes, and each stretch gets its
//! lines, one at the negotiated price and one for what a commitment covers.

use std::collections::BTreeSet;

use super::build::{Builder, FOREVER, Phase, Resource};
use super::catalog::{Billed, Commitment, Cover, Item, Stretch};
use super::clouds::Cloud;
use super::commitments::Measure;
use super::line::Line;
use super::meters::{Kind, Meter, meter};
use super::planted::{self, Drift, Plant};
use super::{ids, seed};
use crate::model::{Day, Text};

impl Builder {
    /// Adds one meter of a resource.
    pub(super) fn item(&mut self, resource: &Resource, phases: &[Phase]) {
        let timeline = self.catalog.timeline;
        let mut plants = resource.plants.clone();
        let who = resource.who();
        let drift = planted::drift(&timeline, &who);
        if let Some((from, drift)) = drift {
            plants.push((drift.plant(), from, FOREVER));
        }
        let surge = planted::surge(&timeline, &who).filter(|_| resource.copy == 0);
        if let Some((plant, from, to, _)) = surge {
            plants.push((plant, from, to));
        }
        let mut stretches = Vec::new();
        for phase in phases {
            let account = &self.catalog.accounts[resource.account];
            let raise = planted::price_change(&timeline, account.book, phase.kind, resource.region);
            if let Some((from, _)) = raise {
                plants.push((Plant::PriceChange, from, FOREVER));
            }
            let cuts = self.cuts(resource, phase, drift.map(|at| at.0), raise.map(|at| at.0));
            for (from, to) in cuts.iter().zip(cuts.iter().skip(1)) {
                let drift = drift.filter(|at| at.0 <= *from).map(|at| at.1);
                let raise = raise.filter(|at| at.0 <= *from).map(|at| at.1);
                stretches.push(self.stretch(resource, phase, (*from, *to), drift, raise));
            }
        }
        let kind = phases.first().map_or(Kind::Disk, |phase| phase.kind);
        let number = seed::of_text(&format!("{}|{}|{kind:?}", resource.name(), resource.region.id));
        let surge = surge.map(|(_, from, to, permille)| (from, to, permille));
        let id = ids::resource(&self.catalog.accounts[resource.account], kind, resource);
        self.catalog.items.push(Item {
            seed: number,
            resource: id.unwrap_or_else(|| resource.name()),
            client: resource.client.map_or("", |client| client.id),
            legacy: resource.legacy,
            account: resource.account,
            stretches,
            surge,
            plants,
        });
    }

    /// The days on which a text or price of a phase changes, its own first day and the day after its last included.
    fn cuts(&self, resource: &Resource, phase: &Phase, drift: Option<Day>, raise: Option<Day>) -> Vec<Day> {
        let billed = self.billed(resource);
        let mut cuts = BTreeSet::from([phase.from, phase.to]);
        let terms = self.catalog.commitments.iter().map(|commitment| &commitment.terms);
        let covering = terms.filter(|terms| terms.covers(&billed, phase.kind));
        let inside = covering.flat_map(|terms| [terms.from, terms.to]).chain(drift).chain(raise);
        cuts.extend(inside.filter(|day| phase.from < *day && *day < phase.to));
        cuts.into_iter().collect()
    }

    fn billed(&self, resource: &Resource) -> Billed<'_> {
        Billed {
            account: &self.catalog.accounts[resource.account],
            region: resource.region,
            env: resource.env,
            legacy: resource.legacy,
        }
    }

    fn stretch(
        &mut self,
        resource: &Resource,
        phase: &Phase,
        (from, to): (Day, Day),
        drift: Option<Drift>,
        raise: Option<i64>,
    ) -> Stretch {
        let book = self.catalog.accounts[resource.account].book;
        let meter_now = meter(book, phase.kind, resource.region, raise.unwrap_or(1000));
        let moved = resource.moved_from.map(|region| (Plant::RegionMove, phase.kind, region));
        let before = match (raise, phase.change.or(moved)) {
            (Some(_), _) => Some((Plant::PriceChange, meter(book, phase.kind, resource.region, 1000).contracted)),
            (None, Some((plant, kind, region))) => Some((plant, meter(book, kind, region, 1000).contracted)),
            (None, None) => None,
        };
        let line = self.usage_line(resource, phase.kind, &meter_now, drift);
        let cover = self.cover(resource, phase.kind, from, &meter_now, &line);
        let line = self.push_line(resource.account, line);
        Stretch {
            from,
            to,
            usage: phase.usage,
            line,
            list: meter_now.list,
            contracted: meter_now.contracted,
            cover,
            before,
        }
    }

    fn usage_line(&mut self, resource: &Resource, kind: Kind, meter: &Meter, drift: Option<Drift>) -> Line {
        let account = &self.catalog.accounts[resource.account];
        let id = ids::resource(account, kind, resource);
        let name = resource.name();
        let tags = resource.tags(drift);
        let zone = format!("{}{}", resource.region.id, resource.region.zone);
        let mut columns = vec![
            (Text::ServiceName, meter.service),
            (Text::ServiceCategory, meter.category),
            (Text::ServiceSubcategory, meter.subcategory),
            (Text::RegionId, resource.region.id),
            (Text::RegionName, resource.region.name),
            (Text::SkuId, meter.sku.as_str()),
            (Text::SkuPriceId, meter.sku_price.as_str()),
            (Text::SkuMeter, meter.name.as_str()),
            (Text::PricingUnit, meter.unit),
            (Text::ConsumedUnit, meter.unit),
            (Text::PricingCategory, "Standard"),
            (Text::ChargeCategory, "Usage"),
            (Text::ChargeFrequency, "Usage-Based"),
            (Text::ChargeDescription, meter.description.as_str()),
            (Text::Tags, tags.as_str()),
        ];
        if let Some(id) = &id {
            columns.extend([(Text::ResourceId, id.as_str()), (Text::ResourceName, name.as_str())]);
            columns.push((Text::ResourceType, meter.resource_type));
        }
        if let Some(details) = &meter.details {
            columns.push((Text::SkuPriceDetails, details.as_str()));
        }
        // Azure leaves zones out of its exports.
        if matches!(kind, Kind::Machine(_) | Kind::Memory(_) | Kind::Disk) && account.book.cloud != Cloud::Azure {
            columns.push((Text::AvailabilityZone, zone.as_str()));
        }
        self.catalog.lines.with(&self.account_lines[resource.account], &columns)
    }

    /// The commitment that covers usage from `from` on, with the line of the covered part.
    fn cover(&mut self, resource: &Resource, kind: Kind, from: Day, meter: &Meter, line: &Line) -> Option<Cover> {
        let billed = self.billed(resource);
        let active = |commitment: &Commitment| {
            let terms = &commitment.terms;
            terms.from <= from && from < terms.to && terms.covers(&billed, kind)
        };
        let place = self.catalog.commitments.iter().position(active)?;
        let terms = self.catalog.commitments[place].terms.clone();
        let (rate, unit) = match terms.measure {
            Measure::Spend { rate_permille, .. } => (meter.contracted * rate_permille / 1000, terms.book.currency),
            Measure::Usage { rate, .. } => (rate, "Hours"),
        };
        let covered = self.catalog.lines.with(
            line,
            &[
                (Text::PricingCategory, "Committed"),
                (Text::CommitmentDiscountId, &terms.id),
                (Text::CommitmentDiscountName, terms.name),
                (Text::CommitmentDiscountType, terms.kind),
                (Text::CommitmentDiscountCategory, terms.category()),
                (Text::CommitmentDiscountUnit, unit),
                (Text::CommitmentDiscountStatus, "Used"),
            ],
        );
        Some(Cover { commitment: place, rate, line: self.push_line(resource.account, covered) })
    }
}
