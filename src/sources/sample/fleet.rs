//! Which resources there are: each client's new platform, its test and development, its legacy platform, and what
//! all clients share. Sizes and starting points only; what goes wrong on purpose is `planted`'s.

use super::build::{Builder, FOREVER, Phase, Resource};
use super::catalog::{Catalog, Workload};
use super::clouds::{self, Book, Region, Size, Tier, size_of};
use super::company::{self, CLIENTS, Client, Product};
use super::meters::Kind;
use super::planted::{self, Plant};
use super::timeline::Timeline;
use super::usage::{Schedule, Usage};
use super::{extras, ids};
use crate::model::Day;

/// A role of the new platform's machines.
struct Role {
    name: &'static str,
    product: &'static Product,
    tier: Tier,
    schedule: Schedule,
    workload: Workload,
}

static ROLES: [Role; 3] = [
    Role {
        name: "ledger",
        product: &company::LEDGER,
        tier: Tier::Large,
        schedule: Schedule::Always,
        workload: Workload::Steady,
    },
    Role {
        name: "payments",
        product: &company::PAYMENTS,
        tier: Tier::Medium,
        schedule: Schedule::Always,
        workload: Workload::Daytime,
    },
    Role {
        name: "channels",
        product: &company::CHANNELS,
        tier: Tier::Medium,
        schedule: Schedule::Autoscaled,
        workload: Workload::Daytime,
    },
];

impl Catalog {
    /// The catalogue of a timeline, each client's resources `scale` times.
    #[must_use]
    pub fn new(timeline: Timeline, scale: u32) -> Self {
        let scale = scale.max(1);
        let mut fleet = Fleet { builder: Builder::new(timeline, scale), timeline, shared: Vec::new() };
        fleet.shared_accounts();
        let shared = fleet.shared.clone();
        fleet.builder.commitments(|book| buyer(&shared, book));
        for client in &CLIENTS {
            fleet.client(client, scale);
        }
        fleet.shared_platform();
        extras::add(&mut fleet.builder, &shared);
        fleet.builder.catalog
    }
}

pub(super) fn buyer(shared: &[(&'static Book, usize)], book: &Book) -> usize {
    shared.iter().find(|(other, _)| *other == book).map_or(0, |(_, account)| *account)
}

struct Fleet {
    builder: Builder,
    timeline: Timeline,
    /// The shared account of each book.
    shared: Vec<(&'static Book, usize)>,
}

/// Where and for how long a platform runs.
#[derive(Clone, Copy)]
struct Place {
    region: &'static Region,
    from: Day,
    to: Day,
    /// The region that it moved from, for the planted move.
    before: Option<&'static Region>,
}

impl Fleet {
    fn shared_accounts(&mut self) {
        for book in clouds::BOOKS {
            let name = match book.currency {
                "EUR" => "shared-europe",
                _ => "shared",
            };
            let id = ids::account(book, name);
            let account = self.builder.account(book, id, format!("Shared {}", book.name), true);
            self.shared.push((book, account));
        }
    }

    fn client(&mut self, client: &'static Client, scale: u32) {
        // Copies spread over a few more accounts, as large customers do; services and regions stay the same.
        let shards = 1 + scale.ilog2() / 2;
        let mut accounts = Vec::new();
        for shard in 0..shards {
            let suffix = if shard == 0 { String::new() } else { format!("-{}", shard + 1) };
            let mut open = |book: &'static Book, part: &str| {
                let name = format!("{}-{part}{suffix}", client.id);
                let id = ids::account(book, &name);
                self.builder.account(book, id, format!("{} {part}{suffix}", client.name), false)
            };
            let legacy = client.legacy.as_ref().map(|legacy| open(legacy.book, "legacy"));
            accounts.push((open(client.book, "prod"), open(client.book, "nonprod"), legacy));
        }
        for copy in 0..scale {
            let (prod, nonprod, legacy) = accounts[(copy % shards) as usize];
            for place in self.places(client) {
                self.production(client, copy, prod, place);
                self.non_production(client, copy, nonprod, place);
            }
            if let (Some(account), Some(_)) = (legacy, &client.legacy) {
                self.legacy(client, copy, account);
            }
        }
    }

    /// Where the new platform of a client runs: one place, or two where it moved.
    fn places(&self, client: &'static Client) -> Vec<Place> {
        let start = client.node_start(0).flatten();
        let from = start.map_or(self.timeline.first(), |back| self.timeline.day(back, 1));
        match planted::region_move(&self.timeline, client.id) {
            None => vec![Place { region: client.region, from, to: FOREVER, before: None }],
            Some((old, new, arrives, leaves)) => vec![
                Place { region: old, from, to: leaves, before: None },
                Place { region: new, from: arrives, to: FOREVER, before: Some(old) },
            ],
        }
    }

    fn resource(&self, client: &'static Client, account: usize, role: &'static str, place: &Place) -> Resource {
        let mut plants = Vec::new();
        if client.live.is_some() {
            plants.push((Plant::GoLive, place.from, FOREVER));
        }
        if place.before.is_some() {
            plants.push((Plant::RegionMove, place.from, FOREVER));
        }
        if client.legacy.is_some() {
            plants.push((Plant::Migration, place.from, FOREVER));
        }
        Resource {
            account,
            client: Some(client),
            env: "prod",
            role,
            node: 0,
            copy: 0,
            product: &company::LEDGER,
            legacy: false,
            region: place.region,
            moved_from: place.before,
            plants,
        }
    }

    fn production(&mut self, client: &'static Client, copy: u32, account: usize, place: Place) {
        for role in &ROLES {
            for node in 0..client.nodes {
                let Some(start) = client.node_start(node) else { continue };
                let from = start.map_or(place.from, |back| self.timeline.day(back, 1).max(place.from));
                let base = self.resource(client, account, role.name, &place);
                let resource = Resource { node, copy, product: role.product, ..base };
                self.machine(resource, Place { from, ..place }, role.tier, role.schedule, role.workload);
            }
        }
        let base = self.resource(client, account, "reporting", &place);
        let reporting = Resource { copy, product: &company::REPORTING, ..base.clone() };
        self.machine(reporting, place, Tier::Large, Schedule::Always, Workload::Batch);
        let ledger = Resource { copy, role: "ledger-db", ..base.clone() };
        self.database(&ledger, place, Tier::Database, Schedule::Always, 400);
        let size = i64::try_from(client.nodes).unwrap_or(1);
        let meters: [(&'static str, &'static Product, Kind, Usage); 7] = [
            ("documents", &company::REPORTING, Kind::Bucket, Usage::Volume { start: 900 * size, growth: 25 }),
            ("ledger-disk", &company::LEDGER, Kind::Disk, Usage::Volume { start: 500 * size, growth: 10 }),
            ("egress", &company::CHANNELS, Kind::Egress, flow(55 * size, 12, 700, 1250)),
            ("cluster", &company::PLATFORM, Kind::Cluster, Usage::Hours(Schedule::Always, 1)),
            ("gateway", &company::CHANNELS, Kind::Balancer, Usage::Hours(Schedule::Always, 1)),
            ("gateway", &company::CHANNELS, Kind::BalancerUnits, flow(60 * size, 12, 600, 1200)),
            ("logs", &company::PLATFORM, Kind::Logs, flow(5 * size, 8, 750, 1150)),
        ];
        for (role, product, kind, usage) in meters {
            let resource = Resource { copy, role, product, ..base.clone() };
            self.metered(&resource, place, kind, usage);
        }
    }

    fn non_production(&mut self, client: &'static Client, copy: u32, account: usize, place: Place) {
        let (from, to) = client.office_hours();
        let office = Schedule::OfficeHours { from, to };
        let roles: [(&'static str, &'static str, &'static Product); 3] = [
            ("dev", "dev", &company::LEDGER),
            ("dev", "channels-dev", &company::CHANNELS),
            ("test", "ledger-test", &company::LEDGER),
        ];
        for (env, role, product) in roles {
            let base = self.resource(client, account, role, &place);
            let resource = Resource { copy, env, product, ..base };
            let tier = if env == "test" { Tier::Medium } else { Tier::Small };
            self.machine(resource, place, tier, office, Workload::Office);
        }
        let base = self.resource(client, account, "test-db", &place);
        let resource = Resource { copy, env: "test", ..base };
        self.database(&resource, place, Tier::SmallDatabase, office, 60);
    }

    fn legacy(&mut self, client: &'static Client, copy: u32, account: usize) {
        let Some(legacy) = &client.legacy else { return };
        let (timeline, first) = (self.timeline, self.timeline.first());
        let stop = |back: i32| if back < 0 { FOREVER } else { timeline.day(back, 1) };
        let last = legacy.stops.map(stop).into_iter().max().unwrap_or(FOREVER);
        let place = Place { region: legacy.region, from: first, to: last, before: None };
        let classic = |role, node| Resource {
            account,
            client: Some(client),
            env: "prod",
            role,
            node,
            copy,
            product: &company::CLASSIC,
            legacy: true,
            region: legacy.region,
            moved_from: None,
            plants: vec![(Plant::Migration, first, last)],
        };
        for (node, back) in legacy.stops.into_iter().enumerate() {
            let place = Place { to: stop(back), ..place };
            let resource = classic("classic-app", node);
            self.machine(resource, place, Tier::Legacy, Schedule::Always, Workload::Steady);
        }
        self.database(&classic("classic-db", 0), place, Tier::LegacyDatabase, Schedule::Always, 900);
        self.metered(&classic("classic-disk", 0), place, Kind::Disk, Usage::Volume { start: 2200, growth: 0 });
        self.metered(&classic("classic-backup", 0), place, Kind::Bucket, Usage::Volume { start: 5200, growth: 5 });
    }

    /// A virtual machine of a role, unless something else is planted in it.
    fn machine(&mut self, resource: Resource, place: Place, tier: Tier, schedule: Schedule, workload: Workload) {
        let cloud = self.builder.catalog.accounts[resource.account].book.cloud;
        let Place { from, to, .. } = place;
        if from >= to {
            return;
        }
        let (mut resource, mut workload, mut tier, mut schedule) = (resource, workload, tier, schedule);
        let who = resource.who();
        let first = resource.copy == 0;
        let idle = first && planted::is_idle(&who);
        let oversized = planted::oversized(&who).filter(|_| first);
        let resize = planted::resize(&self.timeline, &who).filter(|_| first);
        let forgotten = planted::forgotten(&self.timeline, &who).filter(|_| first);
        if idle {
            resource.plants.push((Plant::Idle, from, to));
            (workload, schedule) = (Workload::Idle, Schedule::Always);
        }
        if let Some(larger) = oversized {
            resource.plants.push((Plant::Oversized, from, to));
            (workload, tier) = (Workload::Oversized, larger);
        }
        let size = size_of(cloud, tier);
        let phases: Vec<(Day, Day, &'static Size, Schedule)> = if let Some((day, before)) = resize {
            resource.plants.push((Plant::Resize, day, to));
            vec![(from, day, size_of(cloud, before), schedule), (day, to, size, schedule)]
        } else if let Some(day) = forgotten.filter(|day| from < *day) {
            resource.plants.push((Plant::Forgotten, day, to));
            vec![(from, day, size, schedule), (day, to, size, Schedule::Always)]
        } else {
            vec![(from, to, size, schedule)]
        };
        if matches!(schedule, Schedule::OfficeHours { .. }) {
            resource.plants.push((Plant::OfficeHours, from, to));
        }
        self.builder.machine(&resource, workload, &phases, false);
    }

    fn database(&mut self, resource: &Resource, place: Place, tier: Tier, schedule: Schedule, storage: i64) {
        let cloud = self.builder.catalog.accounts[resource.account].book.cloud;
        let phases = [(place.from, place.to, size_of(cloud, tier), schedule)];
        let workload = if resource.env == "prod" { Workload::Daytime } else { Workload::Office };
        self.builder.machine(resource, workload, &phases, true);
        self.metered(resource, place, Kind::DatabaseStorage, Usage::Volume { start: storage, growth: 15 });
    }

    fn metered(&mut self, resource: &Resource, place: Place, kind: Kind, usage: Usage) {
        self.builder.item(resource, &[Phase::whole(place.from, place.to, kind, usage)]);
    }

    fn shared_platform(&mut self) {
        let regions: [&'static Region; 4] =
            [&clouds::AWS_SINGAPORE, &clouds::GOOGLE_SINGAPORE, &clouds::AZURE_SINGAPORE, &clouds::AZURE_WEST_EUROPE];
        let from = self.timeline.first();
        for ((book, account), region) in self.shared.clone().into_iter().zip(regions) {
            let place = Place { region, from, to: FOREVER, before: None };
            let of = |role, node| Resource {
                account,
                client: None,
                env: "prod",
                role,
                node,
                copy: 0,
                product: &company::PLATFORM,
                legacy: false,
                region,
                moved_from: None,
                plants: vec![(Plant::Shared, from, FOREVER)],
            };
            let machines = if book == &clouds::AWS { 3 } else { 1 };
            for node in 0..machines {
                let schedule = Schedule::Autoscaled;
                self.machine(of("builds", node), place, Tier::Medium, schedule, Workload::Daytime);
            }
            self.metered(&of("monitoring", 0), place, Kind::Cluster, Usage::Hours(Schedule::Always, 1));
            self.metered(
                &of("audit-logs", 0),
                place,
                Kind::Logs,
                flow(if machines == 3 { 40 } else { 8 }, 6, 800, 1100),
            );
            self.metered(&of("backups", 0), place, Kind::Bucket, Usage::Volume { start: 6_000, growth: 20 });
            self.metered(&of("support", 0), place, Kind::Support, Usage::Daily);
        }
    }
}

const fn flow(start: i64, growth: i64, weekend: i64, month_end: i64) -> Usage {
    Usage::Flow { start, growth, weekend, month_end }
}
