//! Builds the catalogue: turns a resource with its phases into items, stretches and lines.
//! Which resources there are is `fleet`'s business; here is how any of them is written down.

use std::collections::BTreeMap;

use super::catalog::{Account, Catalog, Machine, Workload};
use super::clouds::{BOOKS, Book, Cloud, Region, Size};
use super::company::{Client, Product};
use super::line::{Line, Lines};
use super::meters::Kind;
use super::planted::{Drift, Plant, Who};
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
    pub(super) fn tags(&self, drift: Option<Drift>) -> String {
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
    pub(super) account_lines: Vec<Line>,
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
            rounded: Vec::new(),
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

    pub(super) fn push_line(&mut self, account: usize, line: Line) -> u32 {
        let book = self.catalog.accounts[account].book;
        let place = BOOKS.iter().position(|other| *other == book).unwrap_or(0);
        self.catalog.books.push(place as u8);
        self.catalog.lines.add(line)
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
