//! What the clouds meter: service, SKU, unit and price of each kind of usage, in each provider's own words.
//! Services and categories follow the providers' FOCUS exports and the closed lists of FOCUS 1.2; SKU ids are made up.

use super::clouds::{Book, Cloud, Region, Size};
use super::{seed, words};

/// A kind of usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Hours of a virtual machine; on Google Cloud hours of its vCPUs.
    Machine(&'static Size),
    /// Google Cloud only: GiB-hours of its memory.
    Memory(&'static Size),
    /// Hours of a database instance.
    Database(&'static Size),
    /// Storage of a database.
    DatabaseStorage,
    /// Object storage.
    Bucket,
    /// Block storage.
    Disk,
    /// Traffic to the internet.
    Egress,
    /// Hours of a Kubernetes control plane.
    Cluster,
    /// Hours of a load balancer.
    Balancer,
    /// What a load balancer carries.
    BalancerUnits,
    /// Log lines taken in.
    Logs,
    /// Support plan.
    Support,
}

/// A kind of usage as one provider sells it in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// ServiceName.
    pub service: &'static str,
    /// ServiceCategory.
    pub category: &'static str,
    /// ServiceSubcategory.
    pub subcategory: &'static str,
    /// ResourceType.
    pub resource_type: &'static str,
    /// SkuMeter.
    pub name: String,
    /// PricingUnit and ConsumedUnit.
    pub unit: &'static str,
    /// ChargeDescription.
    pub description: String,
    /// SkuId.
    pub sku: String,
    /// SkuPriceId.
    pub sku_price: String,
    /// SkuPriceDetails, or nothing.
    pub details: Option<String>,
    /// Public price, 10^-6 of the book's currency.
    pub list: i64,
    /// Negotiated price.
    pub contracted: i64,
}

/// The meter of a kind of usage, its price moved by `price_permille`.
pub(super) fn meter(book: &Book, kind: Kind, region: &Region, price_permille: i64) -> Meter {
    let (service, category, subcategory, resource_type, name, unit, base) = match book.cloud {
        Cloud::Aws => words::aws(kind),
        Cloud::Google => words::google(kind),
        Cloud::Azure => words::azure(kind),
    };
    let list = base * book.price_permille / 1000 * region.price_permille / 1000 * price_permille / 1000;
    // Support is not negotiated.
    let contracted = if kind == Kind::Support { list } else { list * book.negotiated_permille / 1000 };
    let number = seed::of_text(&format!("{}|{name}|{}", book.cloud.provider(), region.id));
    let (sku, sku_price) = sku(book.cloud, number);
    let price = price_text(list);
    let description = match book.cloud {
        Cloud::Aws => format!("${price} per {name} in {}", region.name),
        Cloud::Google => format!("{name} running in {}", region.name),
        Cloud::Azure => format!("{service} - {name} - {}", region.name),
    };
    Meter {
        service,
        category,
        subcategory,
        resource_type,
        unit,
        description,
        sku,
        sku_price,
        details: details(kind),
        list,
        contracted,
        name,
    }
}

fn sku(cloud: Cloud, number: u64) -> (String, String) {
    match cloud {
        Cloud::Aws => {
            let sku = seed::letters(number, seed::CAPITALS, 16);
            let price = format!("{sku}.JRTCKXETXF.6YS6EN2CT7");
            (sku, price)
        }
        Cloud::Google => {
            let hex = seed::letters(number, seed::HEX, 12).to_uppercase();
            let sku = format!("{}-{}-{}", &hex[..4], &hex[4..8], &hex[8..]);
            (sku.clone(), sku)
        }
        Cloud::Azure => {
            let sku =
                format!("DZH{}/{}", seed::letters(number, seed::CAPITALS, 9), seed::letters(number, seed::HEX, 4));
            let price = format!("{sku}_{}", seed::letters(number, seed::DIGITS, 6));
            (sku, price)
        }
    }
}

/// SkuPriceDetails by FOCUS keys. CoreCount is per one pricing unit: 1 on Google Cloud, which sells vCPUs one by one.
fn details(kind: Kind) -> Option<String> {
    match kind {
        Kind::Machine(size) if size.memory_hour > 0 => Some(format!(
            r#"{{"CoreCount":1,"InstanceSeries":"{}","InstanceType":"{}","OperatingSystem":"Linux"}}"#,
            size.series, size.name
        )),
        Kind::Machine(size) | Kind::Database(size) => Some(format!(
            r#"{{"CoreCount":{},"InstanceSeries":"{}","InstanceType":"{}","MemorySize":{}}}"#,
            size.vcpus, size.series, size.name, size.memory_gib
        )),
        _ => None,
    }
}

fn price_text(price: i64) -> String {
    let text = format!("{}.{:06}", price / 1_000_000, price % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::clouds::{AWS, AWS_SINGAPORE, AZURE_EUROPE, AZURE_GERMANY, Tier, size_of};
    use super::*;

    #[test]
    fn prices_follow_region_currency_and_negotiation() {
        let machine = meter(&AWS, Kind::Machine(size_of(Cloud::Aws, Tier::Medium)), &AWS_SINGAPORE, 1000);
        assert_eq!((machine.list, machine.contracted), (240_000, 228_000));
        assert_eq!(
            machine.description,
            "$0.24 per On Demand Linux m6i.xlarge Instance Hour in Asia Pacific (Singapore)"
        );
        assert_eq!(machine.sku.len(), 16);
        let dearer = meter(&AWS, Kind::Machine(size_of(Cloud::Aws, Tier::Medium)), &AWS_SINGAPORE, 1100);
        assert_eq!((dearer.list, &dearer.sku), (264_000, &machine.sku));
        let disk = meter(&AZURE_EUROPE, Kind::Disk, &AZURE_GERMANY, 1000);
        assert_eq!((disk.service, disk.category, disk.list), ("Virtual Machines", "Storage", 89_274));
    }
}
