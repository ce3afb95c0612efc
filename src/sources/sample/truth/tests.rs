//! The rows of a sample against its truth: every total to the last decimal, every planted thing in its place.

use std::collections::{BTreeMap, BTreeSet};

use ethnum::I256;

use super::super::catalog::{Catalog, Machine};
use super::super::line::{COST_SCALE, Charge};
use super::super::month::Edition;
use super::super::planted::Plant;
use super::super::timeline::Timeline;
use super::{Key, Planted, Sums, Truth, of_catalog};
use crate::model::{Amount, Currency, Day, Instant, Month, NULL, Text};

/// All rows of a sample, with the month that they are billed in.
struct Bill {
    catalog: Catalog,
    rows: Vec<(Month, Charge)>,
    /// The tags of each line.
    tags: Vec<BTreeMap<String, String>>,
}

impl Bill {
    fn of(until: Day, scale: u32, edition: Edition) -> Self {
        let catalog = Catalog::new(Timeline::ending(until), scale);
        let months = catalog.timeline.months();
        let rows: Vec<(Month, Charge)> =
            months.flat_map(|m| catalog.month(m, edition).all().into_iter().map(move |row| (m, row))).collect();
        let lines = u32::try_from(catalog.books.len()).unwrap();
        let tags = |line| catalog.lines.get(line, Text::Tags).map(|text| serde_json::from_str(text).unwrap());
        let tags = (0..lines).map(|line| tags(line).unwrap_or_default()).collect();
        Self { catalog, rows, tags }
    }

    fn text(&self, row: &Charge, column: Text) -> &str {
        self.catalog.lines.get(row.line, column).unwrap_or("")
    }

    fn tags(&self, row: &Charge) -> &BTreeMap<String, String> {
        &self.tags[row.line as usize]
    }

    fn tag(&self, row: &Charge, key: &str) -> &str {
        self.tags(row).get(key).map_or("", String::as_str)
    }

    /// Rows that are asked for: how many, and their exact EffectiveCost.
    fn asked(&self, asked: impl Fn(&Charge) -> bool) -> (u64, Amount) {
        let rows: Vec<&Charge> = self.rows.iter().map(|(_, row)| row).filter(|row| asked(row)).collect();
        (rows.len() as u64, sum(rows.iter().map(|row| row.effective)))
    }
}

fn day(year: i32, month: u32, day: u32) -> Day {
    Instant::midnight(year, month, day).unwrap().day()
}

fn sum(costs: impl Iterator<Item = i64>) -> Amount {
    exact(costs.map(i128::from).sum())
}

fn exact(total: i128) -> Amount {
    Amount::from_parts(I256::from(total), COST_SCALE).unwrap()
}

/// The usual sample of these tests: its newest month is 23 days long.
fn usual() -> (Bill, Truth) {
    let bill = Bill::of(day(2026, 11, 24), 1, Edition::Last);
    let truth = of_catalog(&bill.catalog);
    (bill, truth)
}

#[test]
fn rows_add_up_to_the_truth_to_the_last_decimal() {
    // An ordinary day, the first and the second of a month, a 29 February in the sample, and more of everything.
    for (until, scale) in [
        (day(2026, 11, 24), 1),
        (day(2026, 12, 1), 1),
        (day(2026, 12, 2), 1),
        (day(2028, 3, 1), 1),
        (day(2027, 1, 15), 2),
        (day(2026, 5, 31), 5),
    ] {
        let bill = Bill::of(until, scale, Edition::Last);
        let mut by_line: BTreeMap<(Month, u32), (u64, [i128; 4])> = BTreeMap::new();
        for (month, row) in &bill.rows {
            let (rows, costs) = by_line.entry((*month, row.line)).or_default();
            *rows += 1;
            for (sum, cost) in costs.iter_mut().zip([row.billed, row.effective, row.contracted, row.list]) {
                *sum += i128::from(cost);
            }
        }
        let mut sums: BTreeMap<Key, Sums> = BTreeMap::new();
        for ((month, line), (rows, costs)) in by_line {
            let text = |column| bill.catalog.lines.get(line, column).unwrap();
            let key = Key {
                month,
                provider: bill.catalog.book(line).cloud.provider(),
                currency: Currency::parse(text(Text::BillingCurrency)).unwrap(),
                service: text(Text::ServiceName).to_owned(),
                client: bill.tags[line as usize].get("client").cloned(),
            };
            let [billed, effective, contracted, list] = costs.map(exact);
            sums.entry(key).or_default().add(&Sums { rows, billed, effective, contracted, list });
        }
        let truth = of_catalog(&bill.catalog).sums;
        assert_eq!(sums.keys().collect::<Vec<_>>(), truth.keys().collect::<Vec<_>>());
        for (key, sums) in &sums {
            assert_eq!(Some(sums), truth.get(key), "{until:?} x{scale} {key:?}");
        }
        assert_eq!(truth.values().map(|sums| sums.rows).sum::<u64>(), bill.rows.len() as u64);
    }
}

#[test]
fn everything_planted_of_machines_and_tags_is_where_the_truth_says() {
    // The first day of a month, some day, and a sample with a 29 February.
    for until in [day(2026, 12, 2), day(2026, 11, 24), day(2028, 3, 1)] {
        check_planted(until);
    }
}

fn check_planted(until: Day) {
    let bill = Bill::of(until, 1, Edition::Last);
    let truth = of_catalog(&bill.catalog);
    let client = |row: &Charge, planted: &Planted| Some(bill.tag(row, "client")) == planted.client.as_deref();
    let inside = |row: &Charge, planted: &Planted| planted.from <= row.start && row.end <= planted.to;
    let mut seen: BTreeMap<Plant, usize> = BTreeMap::new();
    for planted in &truth.planted {
        let found = match planted.plant {
            Plant::Idle | Plant::Oversized | Plant::Forgotten | Plant::Resize => bill.asked(|row| {
                inside(row, planted) && planted.resources.contains(&bill.text(row, Text::ResourceId).into())
            }),
            Plant::Spike => bill.asked(|row| {
                inside(row, planted) && client(row, planted) && bill.text(row, Text::ServiceName) == "AWS Data Transfer"
            }),
            Plant::Step => bill.asked(|row| {
                inside(row, planted) && client(row, planted) && bill.text(row, Text::ServiceName) == "Cloud Logging"
            }),
            Plant::PriceChange => bill.asked(|row| {
                inside(row, planted)
                    && client(row, planted)
                    && bill.text(row, Text::SkuPriceDetails).contains("db.")
                    && bill.text(row, Text::RegionId) == "ap-northeast-1"
            }),
            Plant::RegionMove => {
                bill.asked(|row| client(row, planted) && bill.text(row, Text::RegionId) == "eu-central-1")
            }
            Plant::EnvKey => bill.asked(|row| {
                let tags = bill.tags(row);
                client(row, planted) && (tags.contains_key("Env") || tags.contains_key("environment"))
            }),
            Plant::NoOwner => bill.asked(|row| client(row, planted) && !bill.tags(row).contains_key("owner")),
            Plant::MisspeltOwner => bill.asked(|row| client(row, planted) && bill.tag(row, "owner") == "prya.menon"),
            Plant::NoClient => bill.asked(|row| {
                let tags = bill.tags(row);
                tags.contains_key("platform") && !tags.contains_key("client")
            }),
            Plant::Migration => {
                let legacy = planted.resources.iter().any(|resource| resource.contains("classic"));
                let platform = if legacy { "legacy" } else { "new" };
                let owner = planted.client.clone().unwrap();
                bill.asked(|row| {
                    bill.tag(row, "platform") == platform
                        && bill.text(row, Text::SubAccountName).starts_with(&name(&owner))
                })
            }
            Plant::GoLive => bill.asked(|row| client(row, planted)),
            Plant::OfficeHours => bill.asked(|row| {
                client(row, planted)
                    && bill.text(row, Text::ServiceCategory) == "Compute"
                    && planted.resources.contains(&bill.text(row, Text::ResourceId).into())
            }),
            Plant::Shared => bill.asked(|row| {
                bill.tag(row, "team") == "platform"
                    && bill.text(row, Text::SubAccountName).starts_with("Shared")
                    && bill.text(row, Text::BillingCurrency) == planted.currency.as_str()
            }),
            Plant::SecondCurrency => bill.asked(|row| bill.text(row, Text::BillingCurrency) == "EUR"),
            Plant::Commitment | Plant::Credit | Plant::Tax | Plant::Refund | Plant::Rounding | Plant::Restated => {
                continue;
            }
        };
        assert_eq!(found, (planted.rows, planted.money["cost"]), "{planted:?}");
        assert!(found.0 > 0 && planted.from < planted.to, "{planted:?}");
        *seen.entry(planted.plant).or_default() += 1;
    }
    let expected = [
        (Plant::Idle, 5),
        (Plant::Oversized, 4),
        (Plant::Forgotten, 1),
        (Plant::Spike, 1),
        (Plant::Step, 1),
        (Plant::PriceChange, 1),
        (Plant::Resize, 1),
        (Plant::RegionMove, 1),
        (Plant::EnvKey, 2),
        (Plant::NoOwner, 1),
        (Plant::MisspeltOwner, 1),
        (Plant::NoClient, 1),
        (Plant::Migration, 10),
        (Plant::GoLive, 2),
        (Plant::OfficeHours, 12),
        (Plant::Shared, 2),
        (Plant::SecondCurrency, 1),
    ];
    assert_eq!(seen, BTreeMap::from(expected));
}

/// The account name of a client begins with its own.
fn name(client: &str) -> String {
    let of = super::super::company::CLIENTS.iter().find(|one| one.id == client).unwrap();
    of.name.to_owned()
}

#[test]
fn what_is_billed_once_is_where_the_truth_says() {
    let (bill, truth) = usual();
    let once = |plant: Plant, asked: &dyn Fn(&Charge) -> bool| {
        let planted: Vec<&Planted> = truth.of(plant).collect();
        let total: I256 = planted.iter().map(|one| one.money["amount"].units()).fold(I256::ZERO, |a, b| a + b);
        let rows: u64 = planted.iter().map(|one| one.rows).sum();
        let (found, cost) = bill.asked(asked);
        assert_eq!((found, cost), (rows, Amount::from_units(total)), "{plant:?}");
        for row in bill.rows.iter().map(|(_, row)| row).filter(|row| asked(row)) {
            assert_eq!([row.effective, row.contracted, row.list], [row.billed; 3], "{row:?}");
            assert_eq!((row.quantity, row.list_price, row.contracted_price), (None, None, None), "{row:?}");
        }
        (planted.len(), rows, cost.to_string())
    };
    let category = |row: &Charge, name: &str| bill.text(row, Text::ChargeCategory) == name;
    assert_eq!(once(Plant::Credit, &|row| category(row, "Credit")), (6, 6, "-8400".into()));
    assert_eq!(once(Plant::Rounding, &|row| category(row, "Adjustment")).1, 17);
    assert_eq!(once(Plant::Tax, &|row| category(row, "Tax")).1, 18);
    let refund = once(Plant::Refund, &|row| bill.text(row, Text::ChargeClass) == "Correction");
    assert_eq!(refund, (1, 6, "-248.02314".into()));
    // With the rounding, what a European invoice asks for is whole cents.
    let mut invoices: BTreeMap<u32, i64> = BTreeMap::new();
    for (_, row) in bill.rows.iter().filter(|(_, row)| bill.text(row, Text::BillingCurrency) == "EUR") {
        *invoices.entry(row.invoice).or_default() += row.billed;
    }
    assert_eq!(invoices.remove(&NULL).map(|open| open % 100_000_000 != 0), Some(true));
    assert_eq!(invoices.len(), 17);
    assert!(invoices.values().all(|payable| payable % 100_000_000 == 0), "{invoices:?}");
    // A correction is billed in a later month than the days that it corrects.
    let corrections = bill.rows.iter().filter(|(_, row)| bill.text(row, Text::ChargeClass) == "Correction");
    assert!(corrections.clone().all(|(month, row)| row.start.start().month().next() == *month));
    // The tax of a month spans it, and is in whole cents.
    for (month, row) in bill.rows.iter().filter(|(_, row)| category(row, "Tax")) {
        assert_eq!((row.start, row.end), (month.start().day(), month.next().start().day()));
        assert_eq!(row.billed % 100_000_000, 0);
    }
}

#[test]
fn a_commitment_is_used_or_unused_for_exactly_what_it_cost() {
    let (bill, truth) = usual();
    let timeline = bill.catalog.timeline;
    assert_eq!(truth.of(Plant::Commitment).count(), bill.catalog.commitments.len());
    for commitment in &bill.catalog.commitments {
        let terms = &commitment.terms;
        let planted = truth.of(Plant::Commitment).find(|one| one.resources == [terms.id.clone()]).unwrap();
        let mut by_month: BTreeMap<Month, [i64; 3]> = BTreeMap::new();
        for (month, row) in bill.rows.iter().filter(|(_, row)| bill.text(row, Text::CommitmentDiscountId) == terms.id) {
            let (place, cost) =
                match (bill.text(row, Text::ChargeCategory), bill.text(row, Text::CommitmentDiscountStatus)) {
                    ("Purchase", "") => {
                        assert_eq!((row.effective, row.consumed), (0, false), "{row:?}");
                        (0, row.billed)
                    }
                    ("Usage", "Used") => {
                        assert_eq!((row.billed, row.consumed), (0, true), "{row:?}");
                        (1, row.effective)
                    }
                    ("Usage", "Unused") => {
                        assert_eq!((row.billed, row.consumed), (0, false), "{row:?}");
                        assert_eq!(bill.text(row, Text::ResourceId), terms.id);
                        (2, row.effective)
                    }
                    other => panic!("{other:?} {row:?}"),
                };
            by_month.entry(*month).or_default()[place] += cost;
        }
        let total = |place: usize| sum(by_month.values().map(|costs| costs[place]));
        for (place, part) in ["bought", "used", "unused"].into_iter().enumerate() {
            assert_eq!(total(place), planted.money[part], "{} {part}", terms.name);
        }
        let whole_term = timeline.first() <= terms.from && terms.to <= timeline.until;
        for (month, [bought, used, unused]) in &by_month {
            let open = *month == timeline.newest;
            // What is paid for months or years ahead is used up later.
            if terms.name.starts_with("ledger") || (terms.name.starts_with("nordhaven") && open) {
                continue;
            }
            assert_eq!(*bought, used + unused, "{} {month}", terms.name);
        }
        if whole_term {
            assert_eq!(terms.name, "ledger-databases-1");
            assert_eq!(total(0).to_string(), "6504.3");
            assert_eq!(total(0).units(), total(1).units() + total(2).units());
        }
    }
    let share = |name: &str| {
        let planted = truth.of(Plant::Commitment).find(|one| one.resources[0].contains(name)).unwrap();
        let f = |part: &str| planted.money[part].to_nearest_f64();
        f("unused") / (f("used") + f("unused"))
    };
    assert!(share("b7d1e0f4") > 0.3, "the plan for the legacy machines is left over as they stop");
    assert!(share("3f0c6a52") < 0.001, "the plan for new machines is used up");
    assert!((0.1..0.5).contains(&share("2d4a81c6")), "the reservation was bought ahead of need");
}

#[test]
fn costs_are_unit_price_times_quantity_exactly() {
    let (bill, _) = usual();
    let mut priced = 0;
    for (_, row) in &bill.rows {
        let Some(quantity) = row.quantity else { continue };
        let product = |price: Option<i64>| i128::from(price.unwrap()) * i128::from(quantity);
        // Prices count 10^-6, quantities and costs 10^-10.
        assert_eq!(product(row.list_price), i128::from(row.list) * 1_000_000, "{row:?}");
        assert_eq!(product(row.contracted_price), i128::from(row.contracted) * 1_000_000, "{row:?}");
        assert!(row.contracted <= row.list || bill.text(row, Text::ChargeCategory) == "Purchase");
        priced += 1;
    }
    assert!(priced > bill.rows.len() - 100);
}

#[test]
fn planted_changes_are_as_large_as_said() {
    let (bill, truth) = usual();
    let one = |plant: Plant| truth.of(plant).next().unwrap();
    let quantity = |planted: &Planted, from: Day, to: Day| -> i64 {
        let names = |row: &Charge| match planted.plant {
            Plant::Spike => bill.text(row, Text::ServiceName) == "AWS Data Transfer",
            _ => bill.text(row, Text::ServiceName) == "Cloud Logging",
        };
        let rows = bill.rows.iter().map(|(_, row)| row);
        let rows = rows.filter(|row| names(row) && Some(bill.tag(row, "client")) == planted.client.as_deref());
        rows.filter(|row| from <= row.start && row.start < to).filter_map(|row| row.quantity).sum()
    };
    let spike = one(Plant::Spike);
    let before = quantity(spike, Day(spike.from.0 - 28), spike.from) / 28;
    assert!(quantity(spike, spike.from, spike.to) / 3 > 15 * before);
    assert!(quantity(spike, spike.to, Day(spike.to.0 + 7)) / 7 < 2 * before);
    let step = one(Plant::Step);
    let (before, after) =
        (quantity(step, Day(step.from.0 - 28), step.from), quantity(step, step.from, Day(step.from.0 + 28)));
    assert!((2400..2800).contains(&(1000 * after / before)), "{before} {after}");
    // The price: 8 % up on the same SKU, and the difference is that of the rows.
    let raised = one(Plant::PriceChange);
    let rows: Vec<&Charge> = bill
        .rows
        .iter()
        .map(|(_, row)| row)
        .filter(|row| raised.resources.contains(&bill.text(row, Text::ResourceId).into()))
        .filter(|row| bill.text(row, Text::PricingUnit) == "Hours" && row.end <= raised.to)
        .collect();
    let mut difference = 0;
    for sku in rows.iter().map(|row| bill.text(row, Text::SkuId)).collect::<BTreeSet<_>>() {
        let of_sku: Vec<&&Charge> = rows.iter().filter(|row| bill.text(row, Text::SkuId) == sku).collect();
        let price = |row: &Charge| row.contracted_price.unwrap();
        let old = of_sku.iter().filter(|row| row.start < raised.from).map(|row| price(row)).collect::<BTreeSet<_>>();
        let new = of_sku.iter().filter(|row| row.start >= raised.from).map(|row| price(row)).collect::<BTreeSet<_>>();
        let (Some(old), Some(new)) = (old.first(), new.first()) else { panic!("{sku} has one price") };
        assert!((1_079..=1_081).contains(&(1_000 * new / old)), "{sku} {old} {new}");
        let after = of_sku.iter().filter(|row| row.start >= raised.from);
        difference += after.map(|row| (new - old) * row.quantity.unwrap() / 1_000_000).sum::<i64>();
    }
    assert_eq!(sum([difference].into_iter()), raised.money["difference"]);
    // The resize: half the size, and as much saved as still paid.
    let resize = one(Plant::Resize);
    let sizes = |from: Day, to: Day| -> BTreeSet<&str> {
        let rows = bill.rows.iter().map(|(_, row)| row).filter(|row| from <= row.start && row.start < to);
        let rows = rows.filter(|row| bill.text(row, Text::ResourceId) == resize.resources[0]);
        rows.map(|row| bill.text(row, Text::SkuMeter)).collect()
    };
    assert_eq!(sizes(bill.catalog.timeline.first(), resize.from), BTreeSet::from(["Standard_D16s_v5"]));
    assert_eq!(sizes(resize.from, resize.to), BTreeSet::from(["Standard_D8s_v5"]));
    assert!(resize.money["difference"] < Amount::ZERO);
    assert_eq!(resize.money["difference"].units() + resize.money["cost"].units(), I256::ZERO);
    // The move: nothing is left behind after three days of both.
    let moved = one(Plant::RegionMove);
    let old = bill.rows.iter().map(|(_, row)| row).filter(|row| bill.text(row, Text::RegionId) == "eu-west-1");
    assert_eq!(old.map(|row| row.end).max(), Some(Day(moved.from.0 + 3)));
    assert!(moved.money["difference"] > Amount::ZERO);
}

#[test]
fn the_restated_month_was_first_delivered_short() {
    let (bill, truth) = usual();
    let first = Bill::of(day(2026, 11, 24), 1, Edition::First);
    let restated = truth.of(Plant::Restated).next().unwrap();
    let month = restated.from.start().month();
    assert_eq!((month, restated.to), (Month::of(2026, 9), month.next().start().day()));
    let of = |bill: &Bill, inside: bool| -> Vec<(Day, i64)> {
        bill.rows.iter().filter(|(m, _)| (*m == month) == inside).map(|(_, row)| (row.start, row.effective)).collect()
    };
    assert_eq!(of(&bill, false), of(&first, false));
    let (all, short) = (of(&bill, true), of(&first, true));
    assert_eq!((all.len() - short.len()) as u64, restated.rows);
    let costs = |rows: &[(Day, i64)]| sum(rows.iter().map(|row| row.1));
    assert_eq!(costs(&all).units() - costs(&short).units(), restated.money["cost"].units());
    assert!(restated.rows > 100);
}

#[test]
fn accounts_keep_their_zeros_and_open_months_have_no_invoice() {
    let (bill, _) = usual();
    let accounts: BTreeSet<&str> = bill
        .rows
        .iter()
        .filter(|(_, row)| bill.text(row, Text::ServiceProviderName) == "AWS")
        .map(|(_, row)| bill.text(row, Text::SubAccountId))
        .collect();
    assert!(accounts.iter().all(|id| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())), "{accounts:?}");
    assert!(accounts.iter().filter(|id| id.starts_with('0')).count() >= 2, "{accounts:?}");
    let mut invoices: BTreeMap<(Month, &str), BTreeSet<&str>> = BTreeMap::new();
    for (month, row) in &bill.rows {
        let invoice = bill.catalog.lines.text(row.invoice);
        assert_eq!(invoice.is_none(), *month == bill.catalog.timeline.newest);
        invoices.entry((*month, bill.text(row, Text::BillingAccountId))).or_default().extend(invoice);
    }
    assert!(invoices.iter().all(|((month, _), ids)| ids.len() == usize::from(*month != bill.catalog.timeline.newest)));
    assert_eq!(invoices.values().flatten().collect::<BTreeSet<_>>().len(), 4 * 17);
}

#[test]
fn more_of_everything_keeps_the_days_short() {
    let combinations = |scale: u32| {
        let catalog = Catalog::new(Timeline::ending(day(2026, 11, 24)), scale);
        let rows = catalog.month(Month::of(2026, 10), Edition::Last).all();
        let distinct: BTreeSet<_> = rows
            .iter()
            .map(|row| {
                let symbol = |column| catalog.lines.line(row.line).symbol(column);
                let tags = catalog.lines.get(row.line, Text::Tags);
                (row.start, symbol(Text::ServiceName), symbol(Text::SubAccountId), symbol(Text::RegionId), tags)
            })
            .collect();
        (rows.len(), distinct.len())
    };
    let ((rows, days), (many_rows, many_days)) = (combinations(1), combinations(16));
    assert!(many_rows > 14 * rows, "{rows} {many_rows}");
    assert!(many_days < 4 * days, "{days} {many_days}");
}

/// The page for users tells these figures of one date; they are the generator's.
#[test]
fn the_page_for_users_tells_the_figures_of_the_generator() {
    let page = include_str!("../../../../docs/user/sample.md");
    let (bill, truth) = usual();
    let mut expected = Vec::new();
    for (currency, sums) in truth.total(|_| true) {
        expected.push(format!("| all | {currency} | {} | {} | {} |", sums.rows, sums.billed, sums.effective));
    }
    let of_provider = |provider: &str| truth.total(|key| key.provider == provider);
    for provider in ["AWS", "Google Cloud", "Microsoft"] {
        for (currency, sums) in of_provider(provider) {
            expected
                .push(format!("| {provider} | {currency} | {} | {} | {} |", sums.rows, sums.billed, sums.effective));
        }
    }
    for commitment in &bill.catalog.commitments {
        let planted = truth.of(Plant::Commitment).find(|one| one.resources == [commitment.terms.id.clone()]).unwrap();
        let [bought, used, unused] = ["bought", "used", "unused"].map(|part| planted.money[part]);
        let (name, currency) = (commitment.terms.name, planted.currency);
        expected.push(format!("| `{name}` | {currency} | {bought} | {used} | {unused} |"));
    }
    for client in &super::super::company::CLIENTS {
        expected.push(format!("| {} | `{}` | {} |", client.name, client.id, client.country));
    }
    let on_machines = [Plant::Idle, Plant::Oversized, Plant::Forgotten, Plant::Resize];
    for planted in truth.planted.iter().filter(|one| on_machines.contains(&one.plant)) {
        let of = |machine: &&Machine| machine.resource == planted.resources[0];
        expected.push(format!("`{}`", bill.catalog.machines.iter().find(of).unwrap().name));
    }
    let missing: Vec<String> = expected.into_iter().filter(|line| !page.contains(line.as_str())).collect();
    assert!(missing.is_empty(), "docs/user/sample.md should say:\n{}", missing.join("\n"));
}
