//! Builds the catalogue: turns a resource with its phases into items, stretches and lines.
//! Which resources there are is `fleet`'s business; here is how any of them is written down.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::{Account, Billed, Catalog, Commitment, Cover, Item, Machine, Stretch, Workload};
use super::clouds::{BOOKS, Book, Cloud, Region, Size};
use super::commitments::{self, Measure, Payment};
use super::company::{Client, Product};
use super::line::{Line, Lines};
use super::meters::{Kind, Meter, meter};
use super::planted::{self, Drift, Plant, Who};
use super::timeline::{MONTHS, Timeline};
use super::usage::{Schedule, Usage};
use super::{ids, seed};
use crate::model::{Day, Text};

/// The last day there is.
pub(super) const FOREVER: Day = Day(i32::MAX);

/// A resource before it is written down.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) account: usize,
    pub(super) client: Option<&'static Client>,
    pub(super) env: &'static str,
    pub(super) role: &'static str,
    pub(super) node: usize,
    /// Number of the copy, from 0; the planted things are in the first.
    pub(super) copy: u32,
    pub(super) product: &'static Product,
    pub(super) legacy: bool,
    pub(super) region: &'static Region,
    /// The region that its platform moved from.
    pub(super) moved_from: Option<&'static Region>,
    pub(super) plants: Vec<(Plant, Day, Day)>,
}

/// A part of a resource's life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    pub(super) from: Day,
    pub(super) to: Day,
    pub(super) kind: Kind,
    pub(super) usage: Usage,
    /// The planted change that this phase is, with the kind and region before it.
    pub(super) change: Option<(Plant, Kind, &'static Region)>,
}

impl Phase {
    pub(super) const fn whole(from: Day, to: Day, kind: Kind, usage: Usage) -> Self {
        Self { from, to, kind, usage, change: None }
    }
}

impl Resource {
    pub(super) fn who(&self) -> Who<'_> {
        Who { client: self.client.map_or("", |client| client.id), env: self.env, role: self.role, node: self.node }
    }

    pub(super) fn name(&self) -> String {
        let owner = self.client.map_or("shared", |client| client.id);
        let copy = if self.copy == 0 { String::new() } else { format!("-x{}", self.copy) };
        format!("{owner}-{}-{:02}{copy}", self.role, self.node + 1)
    }

    /// The tags as JSON with sorted keys, right or gone wrong.
    fn tags(&self, drift: Option<Drift>) -> String {
        let mut tags = BTreeMap::from([
            ("env", self.env),
            ("owner", self.product.owner),
            ("product", self.product.id),
            ("team", self.product.team),
        ]);
        if let Some(client) = self.client {
            tags.insert("client", client.id);
            tags.insert("platform", if self.legacy { "legacy" } else { "new" });
        }
        match drift {
            Some(Drift::EnvKey(key)) => {
                tags.remove("env");
                tags.insert(key, self.env);
            }
            Some(Drift::NoOwner) => {
                tags.remove("owner");
            }
            Some(Drift::Owner(owner)) => {
                tags.insert("owner", owner);
            }
            Some(Drift::NoClient) => {
                tags.remove("client");
            }
            None => {}
        }
        let pairs: Vec<String> = tags.iter().map(|(key, value)| format!(r#""{key}":"{value}""#)).collect();
        format!("{{{}}}", pairs.join(","))
    }
}

/// A catalogue in the making.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) catalog: Catalog,
    account_lines: Vec<Line>,
}

impl Builder {
    pub(super) fn new(timeline: Timeline, scale: u32) -> Self {
        let mut lines = Lines::default();
        let invoices = BOOKS.iter().map(|book| invoices(&mut lines, book, &timeline)).collect();
        let catalog = Catalog {
            timeline,
            scale,
            lines,
            accounts: Vec::new(),
            machines: Vec::new(),
            commitments: Vec::new(),
            items: Vec::new(),
            extras: Vec::new(),
            taxed: Vec::new(),
            invoices,
            books: Vec::new(),
        };
        Self { catalog, account_lines: Vec::new() }
    }

    /// Adds an account.
    pub(super) fn account(&mut self, book: &'static Book, id: String, name: String, shared: bool) -> usize {
        let lines = &mut self.catalog.lines;
        let line = lines.with(
            &Lines::EMPTY,
            &[
                (Text::BillingAccountId, book.id),
                (Text::BillingAccountName, book.name),
                (Text::BillingAccountType, book.kind),
                (Text::BillingCurrency, book.currency),
                (Text::PricingCurrency, book.currency),
                (Text::InvoiceIssuerName, book.issuer),
                (Text::PublisherName, book.publisher),
                (Text::ServiceProviderName, book.cloud.provider()),
                (Text::SubAccountId, &id),
                (Text::SubAccountName, &name),
                (Text::SubAccountType, book.sub_kind),
            ],
        );
        self.account_lines.push(line);
        self.catalog.accounts.push(Account { book, id, name, shared });
        self.catalog.accounts.len() - 1
    }

    /// An account's line with more columns set; added to the catalogue.
    pub(super) fn add_line(&mut self, account: usize, columns: &[(Text, &str)]) -> u32 {
        let line = self.catalog.lines.with(&self.account_lines[account], columns);
        self.push_line(account, line)
    }

    fn push_line(&mut self, account: usize, line: Line) -> u32 {
        let book = self.catalog.accounts[account].book;
        let place = BOOKS.iter().position(|other| *other == book).unwrap_or(0);
        self.catalog.books.push(place as u8);
        self.catalog.lines.add(line)
    }

    /// Adds the commitments, bought by the given account of their book.
    pub(super) fn commitments(&mut self, buyer: impl Fn(&Book) -> usize) {
        for terms in commitments::all(&self.catalog.timeline) {
            let account = buyer(terms.book);
            let unit = match terms.measure {
                Measure::Spend { .. } => terms.book.currency,
                Measure::Usage { .. } => "Hours",
            };
            let (sku, frequency) = match terms.payment {
                Payment::Upfront => ("all-upfront", "One-Time"),
                Payment::Daily | Payment::Monthly => ("no-upfront", "Recurring"),
            };
            let id = terms.id.clone();
            let mut columns = vec![
                (Text::ServiceName, terms.service),
                (Text::ServiceCategory, terms.class.0),
                (Text::ServiceSubcategory, terms.class.1),
                (Text::ResourceId, id.as_str()),
                (Text::ResourceName, terms.name),
                (Text::ResourceType, terms.kind),
                (Text::CommitmentDiscountId, id.as_str()),
                (Text::CommitmentDiscountName, terms.name),
                (Text::CommitmentDiscountType, terms.kind),
                (Text::CommitmentDiscountCategory, terms.category()),
                (Text::CommitmentDiscountUnit, unit),
                (Text::SkuId, terms.name),
                (Text::SkuPriceId, sku),
            ];
            if let Some(region) = terms.region {
                columns.extend([(Text::RegionId, region.id), (Text::RegionName, region.name)]);
            }
            let mut purchase = columns.clone();
            let bought = format!("{} {}: {frequency} fee", terms.kind, terms.name);
            purchase.extend([
                (Text::ChargeCategory, "Purchase"),
                (Text::ChargeFrequency, frequency),
                (Text::PricingCategory, "Standard"),
                (Text::PricingUnit, "Hours"),
                (Text::ChargeDescription, bought.as_str()),
            ]);
            let left = format!("{} {}: unused", terms.kind, terms.name);
            let mut unused = columns;
            unused.extend([
                (Text::ChargeCategory, "Usage"),
                (Text::ChargeFrequency, "Usage-Based"),
                (Text::PricingCategory, "Committed"),
                (Text::CommitmentDiscountStatus, "Unused"),
                (Text::PricingUnit, unit),
                (Text::ChargeDescription, left.as_str()),
            ]);
            let (purchase, unused) = (self.add_line(account, &purchase), self.add_line(account, &unused));
            self.catalog.commitments.push(Commitment { terms, purchase, unused });
        }
    }

    /// Adds a virtual machine or database: its meters, and its place among the resources with CPUs.
    pub(super) fn machine(
        &mut self,
        resource: &Resource,
        workload: Workload,
        phases: &[(Day, Day, &'static Size, Schedule)],
        database: bool,
    ) {
        let account = &self.catalog.accounts[resource.account];
        let make = |size| if database { Kind::Database(size) } else { Kind::Machine(size) };
        let first = phases.first().map_or(Kind::Disk, |phase| make(phase.2));
        self.catalog.machines.push(Machine {
            resource: ids::resource(account, first, resource).unwrap_or_default(),
            name: resource.name(),
            account: resource.account,
            client: resource.client,
            env: resource.env,
            role: resource.role,
            legacy: resource.legacy,
            database,
            workload,
            region: resource.region,
            phases: phases.to_vec(),
        });
        let by_core = account.book.cloud == Cloud::Google && !database;
        let metered = |kind: fn(&'static Size) -> Kind, units: fn(&Size) -> u32| -> Vec<Phase> {
            let mut before: Option<&'static Size> = None;
            phases
                .iter()
                .map(|(from, to, size, schedule)| {
                    let changed = before.filter(|other| other != size);
                    before = Some(size);
                    let change = changed.map(|other| (Plant::Resize, kind(other), resource.region));
                    let usage = Usage::Hours(*schedule, i64::from(units(size)));
                    Phase { from: *from, to: *to, kind: kind(size), usage, change }
                })
                .collect()
        };
        let kind = if database { Kind::Database } else { Kind::Machine };
        let units = if by_core { |size: &Size| size.vcpus } else { |_: &Size| 1 };
        let hours = metered(kind, units);
        self.item(resource, &hours);
        if by_core {
            let memory = metered(Kind::Memory, |size| size.memory_gib);
            self.item(resource, &memory);
        }
    }

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

/// Invoice numbers of a book's closed months, oldest first.
fn invoices(lines: &mut Lines, book: &Book, timeline: &Timeline) -> Vec<u32> {
    let closed = timeline.months().take(MONTHS as usize - 1);
    closed
        .map(|month| {
            let number = seed::of_text(&format!("{}|{month}", book.id));
            lines.symbol(&format!("{}{}", book.invoice, seed::letters(number, seed::DIGITS, 9)))
        })
        .collect()
}
