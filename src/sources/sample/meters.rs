//! What the clouds meter: service, SKU, unit and price of each kind of usage, in each provider's own words.
//! Services and categories follow the providers' FOCUS exports and the closed lists of FOCUS 1.2; SKU ids are made up.

use super::clouds::{Book, Cloud, Region, Size};
use super::seed;

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

/// What a provider calls a kind of usage: service, category, subcategory, resource type, meter, unit, price.
type Words = (&'static str, &'static str, &'static str, &'static str, String, &'static str, i64);

/// The meter of a kind of usage, its price moved by `price_permille`.
pub(super) fn meter(book: &Book, kind: Kind, region: &Region, price_permille: i64) -> Meter {
    let (service, category, subcategory, resource_type, name, unit, base) = match book.cloud {
        Cloud::Aws => aws(kind),
        Cloud::Google => google(kind),
        Cloud::Azure => azure(kind),
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

const COMPUTE: (&str, &str) = ("Compute", "Virtual Machines");
const NETWORK: (&str, &str) = ("Networking", "Network Connectivity");
const LOGS: (&str, &str) = ("Management and Governance", "Observability");
const SUPPORT: (&str, &str) = ("Management and Governance", "Support");

fn words(
    service: &'static str,
    class: (&'static str, &'static str),
    resource: &'static str,
    name: impl Into<String>,
    unit: &'static str,
    price: i64,
) -> Words {
    (service, class.0, class.1, resource, name.into(), unit, price)
}

fn aws(kind: Kind) -> Words {
    const EC2: &str = "Amazon Elastic Compute Cloud";
    const RDS: &str = "Amazon Relational Database Service";
    const DATA: (&str, &str) = ("Databases", "Relational Databases");
    match kind {
        Kind::Machine(size) | Kind::Memory(size) => {
            words(EC2, COMPUTE, "instance", format!("On Demand Linux {} Instance Hour", size.name), "Hours", size.hour)
        }
        Kind::Database(size) => {
            words(RDS, DATA, "db", format!("{} PostgreSQL Instance Hour", size.name), "Hours", size.hour)
        }
        Kind::DatabaseStorage => words(RDS, DATA, "db", "GB-month of provisioned gp3 storage", "GB-Months", 115_000),
        Kind::Bucket => words(
            "Amazon Simple Storage Service",
            ("Storage", "Object Storage"),
            "bucket",
            "GB-month of Standard storage",
            "GB-Months",
            20_000,
        ),
        // EBS volumes are billed as part of EC2, and categorized as storage: a service with two categories.
        Kind::Disk => {
            words(EC2, ("Storage", "Block Storage"), "volume", "GB-month of gp3 storage", "GB-Months", 76_800)
        }
        Kind::Egress => words("AWS Data Transfer", NETWORK, "", "GB of data transfer out", "GB", 96_000),
        Kind::Cluster => words(
            "Amazon Elastic Container Service for Kubernetes",
            ("Compute", "Containers"),
            "cluster",
            "Amazon EKS cluster hour",
            "Hours",
            80_000,
        ),
        Kind::Balancer => {
            words("Elastic Load Balancing", NETWORK, "loadbalancer", "Application LoadBalancer-hour", "Hours", 20_200)
        }
        Kind::BalancerUnits => {
            words("Elastic Load Balancing", NETWORK, "loadbalancer", "Application LCU-hour", "LCU-Hours", 6_400)
        }
        Kind::Logs => words("AmazonCloudWatch", LOGS, "log-group", "GB of log data ingested", "GB", 560_000),
        Kind::Support => words("AWS Support (Business)", SUPPORT, "", "day of Business Support", "Days", 92_000_000),
    }
}

fn google(kind: Kind) -> Words {
    const SQL: &str = "Cloud SQL";
    const DATA: (&str, &str) = ("Databases", "Relational Databases");
    match kind {
        Kind::Machine(size) => {
            words("Compute Engine", COMPUTE, "Instance", format!("{} Instance Core", size.series), "Hours", size.hour)
        }
        Kind::Memory(size) => words(
            "Compute Engine",
            COMPUTE,
            "Instance",
            format!("{} Instance Ram", size.series),
            "GiB-Hours",
            size.memory_hour,
        ),
        Kind::Database(size) => {
            words(SQL, DATA, "Instance", format!("Cloud SQL for PostgreSQL: Zonal - {}", size.name), "Hours", size.hour)
        }
        Kind::DatabaseStorage => {
            words(SQL, DATA, "Instance", "Cloud SQL for PostgreSQL: Zonal - Standard storage", "GiB-Months", 170_000)
        }
        Kind::Bucket => {
            words("Cloud Storage", ("Storage", "Object Storage"), "Bucket", "Standard Storage", "GiB-Months", 16_200)
        }
        Kind::Disk => {
            words("Compute Engine", ("Storage", "Block Storage"), "Disk", "Balanced PD Capacity", "GiB-Months", 100_000)
        }
        Kind::Egress => words("Networking", NETWORK, "", "Network Internet Data Transfer Out", "GiB", 97_000),
        Kind::Cluster => words(
            "Kubernetes Engine",
            ("Compute", "Containers"),
            "Cluster",
            "Regional Kubernetes Clusters",
            "Hours",
            81_000,
        ),
        Kind::Balancer => {
            words("Networking", NETWORK, "ForwardingRule", "External Load Balancing Rule", "Hours", 20_300)
        }
        Kind::BalancerUnits => {
            words("Networking", NETWORK, "ForwardingRule", "Load Balancing Data Processing", "GiB", 8_100)
        }
        Kind::Logs => words("Cloud Logging", LOGS, "LogBucket", "Log Storage cost", "GiB", 405_000),
        Kind::Support => words("Support", SUPPORT, "", "Standard Support day", "Days", 13_000_000),
    }
}

fn azure(kind: Kind) -> Words {
    const SQL: &str = "Azure SQL Database";
    const DATA: (&str, &str) = ("Databases", "Relational Databases");
    match kind {
        Kind::Machine(size) | Kind::Memory(size) => {
            words("Virtual Machines", COMPUTE, "Virtual machine", size.name, "Hours", size.hour)
        }
        Kind::Database(size) => {
            words(SQL, DATA, "SQL database", format!("{} {} vCore", size.series, size.vcpus), "Hours", size.hour)
        }
        Kind::DatabaseStorage => words(SQL, DATA, "SQL database", "General Purpose Data Stored", "GB-Months", 115_000),
        Kind::Bucket => words(
            "Storage Accounts",
            ("Storage", "Object Storage"),
            "Storage account",
            "Hot LRS Data Stored",
            "GB-Months",
            16_000,
        ),
        Kind::Disk => words(
            "Virtual Machines",
            ("Storage", "Block Storage"),
            "Disk",
            "Premium SSD v2 Provisioned Capacity",
            "GB-Months",
            81_000,
        ),
        Kind::Egress => words("Bandwidth", NETWORK, "", "Standard Data Transfer Out", "GB", 87_000),
        Kind::Cluster => words(
            "Azure Kubernetes Service",
            ("Compute", "Containers"),
            "Kubernetes service",
            "Standard Uptime SLA",
            "Hours",
            80_000,
        ),
        Kind::Balancer => words("Load Balancer", NETWORK, "Load balancer", "Standard Included Rules", "Hours", 20_000),
        Kind::BalancerUnits => words("Load Balancer", NETWORK, "Load balancer", "Standard Data Processed", "GB", 4_000),
        Kind::Logs => {
            words("Azure Monitor", LOGS, "Log Analytics workspace", "Pay-as-you-go Data Ingestion", "GB", 1_840_000)
        }
        Kind::Support => words("Microsoft Support", SUPPORT, "", "Standard Support day", "Days", 2_700_000),
    }
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
